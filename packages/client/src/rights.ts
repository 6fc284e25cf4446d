// What the scheduler would refuse, and end the session for: it is refused here, where the call is.

import { forbidden, may, type Welcome } from "@taskflock/protocol/words";

/** Throws FLOCK_FORBIDDEN when the token is that of somebody who only looks. `what` completes "may not". */
export function ensureMayWork(welcome: Welcome | null, what: string): void {
  if (welcome === null || may(welcome.role, "work")) return;
  throw forbidden(welcome, what, "work");
}
