// `npm run bench:cancel [-- --repeats N]`: how long after `cancel()` code has ended (`endMs`, where it says all the time that it
// runs), and its slot is free again (`freeMs`: a call that could run nowhere else has its result; it counts a new thread or process).

import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Client, LocalCluster } from "taskflock";
import { machine } from "./machine.ts";
import { spreads } from "./measure.ts";

const { values } = parseArgs({ options: { repeats: { type: "string", default: "30" } } });
const repeats = Number(values.repeats);

/** Node's types know it as a type only. */
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Readonly<Record<string, () => void>> };
};

/** The first says all the time that it runs. */
const endless: Readonly<Record<string, (file: string) => void>> = {
  JavaScript: (file: string) => {
    const beat = new Float64Array(1);
    for (const fd = openSync(file, "w"); ; writeSync(fd, beat, 0, 8, 0)) beat[0] = Date.now();
  },
  WebAssembly: () => {
    // (module (func (export "spin") (loop br 0)))
    const code = [
      ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0],
      ...[7, 8, 1, 4, 115, 112, 105, 110, 0, 0, 10, 9, 1, 7, 0, 3, 64, 12, 0, 11, 11],
    ];
    const { spin } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(code))).exports;
    spin?.();
  },
  "native sleep": () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
};

type Code = (file: string) => void;

async function once(client: Client, code: Code, isolation: "thread" | "process"): Promise<Record<string, number>> {
  const file = join(folder, "beat");
  rmSync(file, { force: true });
  const doomed = client.submit(code, [file], { isolation, cancelGraceMs: 0 });
  while ((await client.workers())[0]?.running !== 1);
  while (code === endless["JavaScript"] && !(existsSync(file) && statSync(file).size === 8)) await sleep(1);
  const behind = client.submit((x: number) => x, [1], { isolation });
  const from = performance.now();
  const fromMs = Date.now();
  await doomed.cancel();
  await behind.result();
  const freeMs = performance.now() - from;
  return existsSync(file) ? { freeMs, endMs: readFileSync(file).readDoubleLE(0) - fromMs } : { freeMs };
}

const folder = mkdtempSync(join(tmpdir(), "taskflock-bench-"));
await using cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 1 });
await using client = await cluster.connect();
for (const [what, code] of Object.entries(endless)) {
  for (const isolation of ["thread", "process"] as const) {
    await client.call(() => 0, [], { isolation });
    const runs: Record<string, number>[] = [];
    while (runs.length < repeats) runs.push(await once(client, code, isolation));
    const line = { workload: "cancel", what, isolation, repeats, figures: spreads(runs), ...machine };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}
rmSync(folder, { recursive: true });
