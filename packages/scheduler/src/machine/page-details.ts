// What clients told of their runs (run-details.ts), for people who watch.

import type { PageDetails, PageQuestion, PageRun, RunId } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";

/** Of one answer, UTF-16 units: a frame has a limit. */
const MAX_ANSWER_UNITS = 256 * 1024;

type Asked = Extract<PageQuestion, { q: "pageDetails" }>;

export function pageDetails({ details, now }: Core, { run, since, limit }: Asked): PageDetails {
  const items = details.since(run, since, limit, MAX_ANSWER_UNITS);
  // What follows the last item, if anything, comes with the next answer; where nothing does, nothing has to be looked at again.
  const isAll = items.length < limit && !details.hasAfter(run, items.at(-1)?.seq ?? since);
  return {
    now,
    items,
    last: isAll ? details.last : (items.at(-1)?.seq ?? since),
    missed: details.missedSince(run, since),
  };
}

/** The number of the last entry. */
export function lastDetail({ details }: Core): number {
  return details.last;
}

export function kindOfRun({ details }: Core, run: RunId): PageRun["kind"] {
  return details.kindOf(run);
}
