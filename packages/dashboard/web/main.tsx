// The page begins here.

import { render } from "preact";
import { App } from "./app.tsx";
import { openFeed } from "./feed/store.ts";
import { followLinks } from "./frame/router.ts";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/frame.css";

followLinks();
openFeed();
render(<App />, document.getElementById("app")!);
