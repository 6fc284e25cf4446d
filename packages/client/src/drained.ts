// Who waits until the scheduler has taken what was submitted. Apart from what holds it back, which only a connection needs.

import type { Session } from "./session.ts";

/** Resolves once nothing that was submitted waits here; not before what the scheduler said meanwhile was heard. */
export async function drained(session: Session): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(() => session.gate.pass(resolve)));
  session.ensureOpen();
  await session.allowance.drained();
}
