// A report begins here: the page's views of one message, without a server.

import { render } from "preact";
import { showStill } from "../feed/store.ts";
import { report } from "../frame/report-mode.ts";
import { followLinks } from "../frame/router.ts";
import { ReportApp } from "./report-app.tsx";
import "../styles/base.css";
import "../styles/parts.css";
import "../styles/frame.css";
import "../pages/searches/lead.css";
import "./report.css";

if (report !== null) showStill(report.message);
followLinks();
render(<ReportApp />, document.getElementById("app")!);
