// The first submit of a process, without a cluster.

import { prepareFunction } from "./functions/index.ts";
import "./session.ts";

/** Looks at a function as a submit would. */
export function rehearse(): void {
  prepareFunction(() => 0, { packages: "installed", shared: false, besides: undefined });
}
