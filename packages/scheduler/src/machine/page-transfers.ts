// What moved between workers, for people who watch.

import type { PageTransfers } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";

export function pageTransfers({ now }: Core): PageTransfers {
  return { now, pairs: [], recent: [], totalBytes: 0 };
}

/** All that was moved, bytes; of the overview, which is asked for often. */
export function movedBytes(_core: Core): number {
  return 0;
}
