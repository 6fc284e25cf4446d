// A report begins here: the page's views of one message, without a server.

import { render } from "preact";
import type { ReportData } from "../../server/report/report-data.ts";
import { showStill } from "../feed/store.ts";
import { followLinks } from "../frame/router.ts";
import { ReportApp } from "./report-app.tsx";
import { report } from "./report-data.ts";
import "../styles/base.css";
import "../styles/parts.css";
import "../styles/frame.css";
import "../pages/searches/lead.css";
import "./report.css";

const data = read();
if (data !== null) {
  report.value = data;
  showStill(data.message);
}
followLinks();
render(<ReportApp />, document.getElementById("app")!);

/** Null in the template, which has no data. */
function read(): ReportData | null {
  const text = document.getElementById("report")?.textContent ?? "";
  return text.startsWith("{") ? (JSON.parse(text) as ReportData) : null;
}
