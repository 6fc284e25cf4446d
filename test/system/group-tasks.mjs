// Tasks of groups.test.ts: a module that Node itself loads, as a user's is, so that its imports are what they say.

import { joinGroup, taskClient, taskContext } from "taskflock";

export async function together(name, rank, size) {
  const group = await joinGroup({ name, rank, size });
  await group.barrier();
  const sum = await group.allReduce(Float32Array.from({ length: 1000 }, (_, i) => i * (rank + 1)));
  const { sentBytes } = group.traffic;
  const said = await group.broadcast(rank === 1 ? new TextEncoder().encode("from 1") : null, 1);
  await group.close();
  return { sum: [sum[0], sum[1], sum[999]], sentBytes, said: new TextDecoder().decode(said) };
}

/** Messages of many sizes, both ways; each is its number, over and over. */
export async function exchange(name, rank, sizes) {
  const group = await joinGroup({ name, rank, size: 2 });
  const sending = Promise.all(sizes.map((size, i) => group.send(1 - rank, new Uint8Array(size).fill(i + 1))));
  const wrong = [];
  for (const [i, size] of sizes.entries()) {
    const bytes = await group.receive(1 - rank);
    if (bytes.length !== size || bytes.some((byte) => byte !== i + 1)) wrong.push(i);
  }
  await sending;
  await group.close();
  return { wrong, ...group.traffic };
}

/** Says that it has joined, and then waits for what member 1 never sends. */
export async function wait(name, rank, size) {
  const group = await joinGroup({ name, rank, size });
  await (await taskClient()).queue(`${name} joined`).put({ rank, pid: process.ppid, own: process.pid });
  try {
    await group.receive(1);
  } catch (error) {
    return `${error.code}: ${error.message}`;
  }
}

/** Member 1 of such a group; ends as it is told to. */
export async function end(name, size, how) {
  const group = await joinGroup({ name, rank: 1, size });
  await (await taskClient()).event(`${name} end`).wait();
  if (how === "throw") throw new Error("a defect");
  if (how === "exit") process.exit(3);
  if (how === "close") await group.close();
}

/** Neighbours wait for each other in a ring: only one of them has to do with member 1. */
export async function ring(name, rank, size) {
  const group = await joinGroup({ name, rank, size });
  await (await taskClient()).queue(`${name} joined`).put({ rank, pid: process.pid });
  try {
    for (;;) {
      if (rank === 1)
        await new Promise((_, reject) =>
          taskContext().signal.addEventListener("abort", () => reject(new Error("aborted"))),
        );
      await group.allReduce(new Float32Array(10));
    }
  } catch (error) {
    return `${error.code}: ${error.message}`;
  }
}

export async function joinOnly(name, rank, size, options) {
  const group = await joinGroup({ name, rank, size, ...options });
  await group.barrier();
  await group.close();
  return group.epoch;
}

export async function failFirst(name, rank) {
  const { attempt } = taskContext().task;
  const group = await joinGroup({ name, rank, size: 3 });
  if (rank === 2 && attempt === 1) throw new Error("the first attempt fails");
  const [sum] = await group.allReduce(new Float32Array([1]));
  await group.close();
  return { sum, attempt };
}

export async function wrongLength(name, rank) {
  const group = await joinGroup({ name, rank, size: 2 });
  return group.allReduce(new Float32Array(8 + 8 * rank)).then(
    () => "done",
    (error) => `${error.code}: ${error.message}`,
  );
}

/** Joins when it was cancelled already, and says what came of it. */
export async function joinLate(name) {
  const { signal } = taskContext();
  const client = await taskClient();
  await client.variable(`${name} began`).set(true);
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  const said = await joinGroup({ name, rank: 0, size: 2 }).catch(({ code }) => code);
  await client.variable(`${name} said`).set(said);
}
