// What moved between workers, for people who watch.

import type { PageTransfers } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";

export function pageTransfers({ now }: Core): PageTransfers {
  return { now, pairs: [], recent: [], totalBytes: 0 };
}
