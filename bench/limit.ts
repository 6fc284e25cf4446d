// `npm run bench:limit [-- --repeats N]`: what the machine allows, without any of our code.

import { parseArgs } from "node:util";
import { copyRate, Echo } from "./limits.ts";
import { machine } from "./machine.ts";
import { spreads } from "./measure.ts";
import type { Figures } from "./workload.ts";

const { values } = parseArgs({ options: { repeats: { type: "string", default: "5" } } });
const repeats = Number(values.repeats);

async function several(workload: string, once: () => Promise<Figures>): Promise<void> {
  const runs: Figures[] = [];
  while (runs.length < repeats) runs.push(await once());
  process.stdout.write(`${JSON.stringify({ workload, repeats, figures: spreads(runs), ...machine })}\n`);
}

const echo = await Echo.start();
await several("echo-one-by-one", () => echo.oneByOne());
await several("echo-batched-10000", () => echo.batched(10_000, 512));
await several("echo-batched-50000", () => echo.batched(50_000, 512));
await echo.close();
await several("socket-copy-64mib", async () => ({ ...(await copyRate()) }));
