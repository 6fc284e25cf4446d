// Data that moves between processes.

import type { Bench, Once, Workload } from "../workload.ts";

const MIB = 1024 * 1024;
const ITEMS = 24_000;

/** A result made on one worker, used on the other: seconds until the user of it has answered. Measured four times in a run. */
function fromWorkerToWorker<T>(
  { client, workers: [source, target], measure }: Bench,
  make: (size: number) => T,
  size: number,
  sizeOf: (value: T) => number,
): () => Promise<number> {
  return async () => {
    const made = client.submit(make, [size], { workers: [source] });
    const error = await made.error();
    if (error !== null) throw error;
    const seconds = await measure(1, async () => {
      const found = await client.call(sizeOf as (value: unknown) => number, [made], { workers: [target] });
      if (found !== size) throw new Error(`${found} instead of ${size}`);
    });
    made.release();
    return seconds;
  };
}

export const transfer: Workload = {
  facts: { bytes: 64 * MIB },
  start: (bench): Once => {
    const move = fromWorkerToWorker(
      bench,
      (size: number) => new Uint8Array(size).fill(7),
      64 * MIB,
      (bytes: Uint8Array) => bytes.length,
    );
    return async () => {
      const seconds = await move();
      return { mbPerSecond: (64 * MIB) / 1e6 / seconds, ms: seconds * 1000 };
    };
  },
};

export const dictionary: Workload = {
  facts: { keys: ITEMS },
  start: (bench): Once => {
    const move = fromWorkerToWorker(
      bench,
      (size: number) => Object.fromEntries(Array.from({ length: size }, (_, i) => [`word${i}`, i])),
      ITEMS,
      (words: Record<string, number>) => Object.keys(words).length,
    );
    return async () => ({ ms: (await move()) * 1000 });
  },
};

const USERS = 200;

/** One large array, sent to both workers and used by many tiny tasks. */
export const broadcast: Workload = {
  facts: { bytes: 32 * MIB, tasks: USERS },
  start: ({ client, measure }) => {
    const bytes = Uint8Array.from({ length: 32 * MIB }, (_, i) => (i * 31) % 251);
    return async () => {
      const seconds = await measure(USERS, async () => {
        const data = await client.scatter(bytes, { broadcast: true });
        const touched = Array.from({ length: USERS }, (_, i) =>
          client.submit((array: Uint8Array, at: number) => array[at % array.length], [data, i]),
        );
        const values = await client.gather(touched);
        if (!values.every((value, i) => value === bytes[i])) throw new Error("wrong values");
        client.release([data, ...touched]);
      });
      return { seconds };
    };
  },
};

const SLEEPS = 200;
const SLEEP_MS = 10;

/** Everything lies on one worker: how well both are used all the same. */
export const imbalance: Workload = {
  facts: { tasks: SLEEPS, sleepMs: SLEEP_MS, bytesEach: 1_000_000 },
  start: ({ client, measure, workers: [first] }) => {
    return async () => {
      const makes = Array.from({ length: SLEEPS }, () =>
        client.submit((size: number) => new Uint8Array(size).fill(7), [1_000_000], { workers: [first] }),
      );
      for (const made of makes) await made.error();
      const seconds = await measure(SLEEPS, async () => {
        const sleeps = makes.map((made) =>
          client.submit(
            (ms: number, bytes: Uint8Array) => {
              Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
              return bytes.length;
            },
            [SLEEP_MS, made],
          ),
        );
        const sizes = await client.gather(sleeps);
        if (!sizes.every((size) => size === 1_000_000)) throw new Error("wrong sizes");
        client.release(sleeps);
      });
      client.release(makes);
      return { partOfIdeal: (SLEEPS * SLEEP_MS) / 2000 / seconds, seconds };
    };
  },
};
