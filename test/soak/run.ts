// npm run soak -- --minutes N --seed N [--out FOLDER]

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { soak } from "./soak.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    out: { type: "string" },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (!(minutes > 0) || !Number.isSafeInteger(seed)) {
  console.error("--minutes takes a number above 0, --seed a whole number");
  process.exit(2);
}
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort());
const out = values.out ?? fileURLToPath(new URL(`../../node_modules/.cache/soak/seed-${seed}`, import.meta.url));
const findings = await soak({ minutes, seed, out, signal: stop.signal });
if (stop.signal.aborted) console.log(`interrupted; ${findings.length} findings`);
else if (findings.length === 0) console.log("everything ended right, and nothing grew");
else console.error(`\n${findings.length} findings; again with: npm run soak -- --minutes ${minutes} --seed ${seed}`);
process.exitCode = stop.signal.aborted ? 130 : findings.length === 0 ? 0 : 1;
// A process that could not be ended must not keep this one; without its parent it ends.
setTimeout(() => process.exit(), 5_000).unref();
