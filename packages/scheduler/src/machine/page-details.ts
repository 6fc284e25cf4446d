// What clients told of their runs (run-details.ts), for people who watch.

import type { PageDetails, PageRun } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import type { Run } from "./records.ts";

export function pageDetails({ now }: Core): PageDetails {
  return { now, items: [], last: 0, missed: 0 };
}

/** The number of the last entry. */
export function lastDetail(_core: Core): number {
  return 0;
}

export function kindOfRun(_core: Core, _run: Run): PageRun["kind"] {
  return "";
}
