// Large results, data that is sent, and names for both.

import { Client, type Future, range } from "taskflock";
import { type Desk, MANY_FAILURES } from "../desk.ts";
import { add, scale, shifted, sumOf, table } from "./tasks.ts";

const options = { allowedFailures: MANY_FAILURES };

/** 8 KiB to 3 MB each: they stay with their workers, travel between them, and are computed again when they are lost. */
export async function largeResults(desk: Desk): Promise<void> {
  const made = Array.from({ length: desk.random.between(1, 5) }, (_, n) => {
    const length = desk.random.skewed(1_000, 400_000);
    const seed = desk.random.between(0, 999);
    const future = desk.own(desk.client.submit(table, [length, seed], options));
    const moved = desk.own(desk.client.submit(shifted, [future, n], options));
    const sum = desk.own(desk.client.submit(sumOf, [moved, 2], options));
    return { future, moved, sum, length, seed, n };
  });
  for (const { future, moved, sum, length, seed, n } of made) {
    const local = table(length, seed);
    await desk.gives(sum, sumOf(shifted(local, n), 2));
    if (desk.random.chance(0.5)) await desk.gives(moved, shifted(local, n));
    moved.release();
    if (desk.random.chance(0.5)) await desk.gives(future, local);
    future.release();
  }
}

/** It has no lineage: it may be lost with the workers that hold it. */
export async function scattered(desk: Desk): Promise<void> {
  const local = table(desk.random.skewed(2_000, 300_000), desk.random.between(0, 999));
  const broadcast = desk.random.chance(0.3);
  const data = desk.own(await desk.client.scatter(local, { broadcast }));
  const sums = [...range(desk.random.between(2, 6))].map((n) => desk.client.submit(sumOf, [data, n], options));
  desk.ownAll(sums);
  for (const [n, sum] of sums.entries()) await desk.givesOrIsLost(sum, sumOf(local, n));
  await desk.givesOrIsLost(data, local);
}

/**
 * A client that comes and goes. Parts of arguments over 64 KiB are sent once, as data that it keeps on the cluster for as long as it is
 * there; and once more when the worker that had them is lost.
 */
export async function visit(desk: Desk): Promise<void> {
  const client = await Client.connect(desk.client.address, { name: desk.name, packages: "installed", logs: "ignore" });
  try {
    const local = table(desk.random.between(10_000, 60_000), desk.random.between(0, 999));
    const sums = [...range(3)].map((n) => client.submit(sumOf, [local, n], options));
    for (const [n, sum] of sums.entries()) await desk.gives(sum, sumOf(local, n));
  } finally {
    await client.close();
  }
}

interface Published {
  readonly small: Future<number>;
  readonly large: Future<Float64Array>;
  readonly note: string;
}

export async function published(desk: Desk): Promise<void> {
  const length = desk.random.skewed(1_000, 100_000);
  const small = desk.own(desk.client.submit(scale, [length], options));
  const large = desk.own(desk.client.submit(table, [length, 1], options));
  await desk.with("dataset", async (name) => {
    await desk.client.publish(name, { small, large, note: name });
    desk.releaseAll();
    const found = await desk.client.getDataset<Published>(name);
    desk.ownAll<Future<unknown>>([found.small, found.large]);
    desk.same(found.note, name, "a dataset's note");
    await desk.client.unpublish(name);
    await desk.gives(found.small, scale(length));
    await desk.gives(found.large, table(length, 1));
  });
}

/** Started, let go of, and got back by its name. */
export async function detached(desk: Desk): Promise<void> {
  const values = [...range(desk.random.between(3, 20))];
  await desk.with("run", async (name) => {
    const run = desk.client.run(name, { detached: true, keepMs: 600_000 });
    const first = desk.own(desk.client.submit(table, [20_000, 3], { ...options, run }));
    const futures = desk.ownAll(desk.client.map(scale, values, { ...options, run }));
    desk.own(desk.client.submit(sumOf, [first, 1], { ...options, run }));
    await futures[0]!.error();
    desk.releaseAll();
    run.close();
    const attached = await desk.client.attach(name);
    desk.same(attached.futures.length, values.length + 2, `futures of ${name}`);
    desk.ownAll(attached.futures);
    const local = table(20_000, 3);
    await desk.gives(attached.futures[0]!, local);
    for (const [index, value] of values.entries()) await desk.gives(attached.futures[index + 1]!, scale(value));
    await desk.gives(attached.futures.at(-1)!, sumOf(local, 1));
    await attached.forget();
  });
}

export async function replicated(desk: Desk): Promise<void> {
  const made = [...range(3)].map((n) => desk.own(desk.client.submit(table, [30_000 + n, n], options)));
  await desk.client.replicate(made, { copies: 2 });
  for (const [n, future] of made.entries()) await desk.gives(future, table(30_000 + n, n));
  const one = desk.own(desk.client.submit(add, [1, 2], options));
  await desk.gives(one, 3);
}
