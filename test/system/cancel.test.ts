// Cancel ends code that runs, whatever it is, and hurts nobody beside it.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, type Future, LocalCluster } from "taskflock";
import { afterAll, beforeAll, expect, test } from "vitest";

let cluster: LocalCluster;
let client: Client;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "taskflock-cancel-"));
  cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 3 });
  client = await cluster.connect({ logs: "ignore" });
});
afterAll(async () => {
  await client?.close();
  await cluster?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Node's types know it as a type only. */
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Readonly<Record<string, () => void>> };
};

/** Says that it began, and never ends. */
const endless: Readonly<Record<string, (began: string) => void>> = {
  JavaScript: (began: string) => {
    writeFileSync(began, "");
    for (;;);
  },
  WebAssembly: (began: string) => {
    // (module (func (export "spin") (loop br 0)))
    const code = [
      ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0],
      ...[7, 8, 1, 4, 115, 112, 105, 110, 0, 0, 10, 9, 1, 7, 0, 3, 64, 12, 0, 11, 11],
    ];
    const { spin } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(code))).exports;
    writeFileSync(began, "");
    spin?.();
  },
  "a native sleep": (began: string) => {
    writeFileSync(began, "");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
};

/** Runs until the file is there; one of them blocks its slot, the other does not. */
function neighbours(until: string): Future<number>[] {
  const busy = client.submit(
    (file: string) => {
      let sum = 0;
      for (let i = 0; !existsSync(file); i++) sum += i % 2;
      return sum >= 0 ? 7 : 0;
    },
    [until],
  );
  const patient = client.submit(
    async (file: string) => {
      while (!existsSync(file)) await sleep(5);
      return 8;
    },
    [until],
  );
  return [busy, patient];
}

async function thereIs(file: string): Promise<void> {
  while (!existsSync(file)) await sleep(5);
}

async function attempts(future: Future<unknown>): Promise<number> {
  return (await client.story(future)).filter(({ to }) => to === "assigned").length;
}

let count = 0;
const cases = Object.keys(endless).flatMap((what) =>
  (["thread", "process"] as const).flatMap((isolation) => [
    { what, grace: "none", options: { isolation, cancelGraceMs: 0 } },
    { what, grace: "the default one", options: { isolation } },
  ]),
);

test.each(cases)("$what in a $options.isolation slot, grace: $grace", async ({ what, options }) => {
  const place = join(folder, String(++count));
  const beside = neighbours(`${place}-end`);
  const doomed = client.submit(endless[what]!, [`${place}-began`], options);
  await thereIs(`${place}-began`);
  const [before] = await client.workers();
  await doomed.cancel("enough");
  await expect(doomed.result()).rejects.toMatchObject({
    code: "FLOCK_CANCELLED",
    message: expect.stringContaining("enough"),
  });
  // Its slot is the only one that could take this: the others are busy until the file is there.
  expect(await client.call((x: number) => x + 1, [1], { isolation: options.isolation })).toBe(2);
  writeFileSync(`${place}-end`, "");
  expect(await client.gather(beside)).toEqual([7, 8]);
  for (const future of beside) expect(await attempts(future)).toBe(1);
  // The worker itself was not touched.
  expect((await client.workers()).map(({ pid, worker }) => [pid, worker])).toEqual([[before?.pid, before?.worker]]);
});

test("code that heeds its AbortSignal ends by itself, and can clean up", async () => {
  const place = join(folder, "heeds");
  const { taskContext } = await import("taskflock");
  const future = client.submit(
    async (file: string) => {
      const { signal } = taskContext();
      writeFileSync(`${file}-began`, "");
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      writeFileSync(`${file}-cleaned`, "");
    },
    [place],
  );
  await thereIs(`${place}-began`);
  await future.cancel();
  await thereIs(`${place}-cleaned`);
});
