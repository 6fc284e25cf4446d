// A task of tls.test.ts: a module that Node itself loads.

import { taskClient } from "taskflock";

/** Has another task do it. */
export async function outer(text) {
  const own = await taskClient();
  return own.call((part) => `${part}!`, [text]);
}
