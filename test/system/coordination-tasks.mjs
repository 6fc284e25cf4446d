// Tasks of coordination.test.ts: a module that Node itself loads, as a user's is, so that its imports are what they say.

import { taskClient } from "taskflock";

export async function work(name) {
  const own = await taskClient();
  const item = await own.queue(name).get();
  const square = await own.call((x) => x ** 2, [item]);
  await own.queue(`${name} out`).put(square);
  return own === (await taskClient()) ? "shared" : "another";
}

export async function add(n) {
  const own = await taskClient();
  const total = own.variable("total");
  await own.lock("total").withLock(async () => await total.set((await total.get()) + n));
}

/** Where there is one slot, for ever. */
export async function waitInVain() {
  await (await taskClient()).call(() => 1, []);
}

export async function acquire(name) {
  await (await taskClient()).lock(name).acquire();
}

/** Ends before it has what it asked for. */
export async function acquireAndLeave(name) {
  void (await taskClient()).lock(name).acquire();
}

export async function acquireAndSpin(name) {
  await (await taskClient()).lock(name).acquire();
  for (;;);
}
