// ws, loaded when the first connection is opened or awaited: importing this package stays quick.

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

let loaded: typeof import("ws") | undefined;

export function websockets(): typeof import("ws") {
  loaded ??= require("ws") as typeof import("ws");
  return loaded;
}
