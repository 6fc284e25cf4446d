// `npm run fuzz -- --count 1000000 --seed 7`: the fuzz by hand.

import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";

const { values } = parseArgs({
  options: { count: { type: "string" }, seed: { type: "string" }, rounds: { type: "string" } },
});
const count = Number(values.count ?? 1_000_000);
const seed = Number(values.seed ?? Date.now() % 2 ** 32);
const rounds = Number(values.rounds ?? 10);
console.log(`seed ${seed}`);
const found = await fuzz({ count, seed, rounds, log: (line) => console.log(line) });
console.log(
  [...found.tally.counts]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([word, many]) => `${word}: ${many}`)
    .join("\n"),
);
const { right, wrong, longestPingMs } = found.beside;
console.log(
  `beside: ${right} tasks right, ${wrong.length} wrong, longest ping ${longestPingMs.toFixed(0)} ms; longest turn of the scheduler ${found.longestDelayMs.toFixed(0)} ms`,
);
console.log(`left over: ${JSON.stringify(found.leftOver)}; ${found.answer}`);
const bad = [
  ...found.tally.problems,
  ...wrong,
  ...found.complaints,
  ...(found.left === "" ? [] : [`left: ${found.left}`]),
  ...(found.isUp ? [] : ["the scheduler is gone"]),
];
for (const line of bad) console.log(`! ${line}`);
if (bad.length > 0) console.log(found.stderr.slice(-3_000));
process.exitCode = bad.length === 0 ? 0 : 1;
