// npm run simulate -- --seeds N --from S [--verbose] [--shrink] [--keep-going]

import { parseArgs } from "node:util";
import { shrink } from "./shrink.ts";
import { simulate } from "./simulation.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "300" },
    from: { type: "string", default: "1" },
    verbose: { type: "boolean", default: false },
    shrink: { type: "boolean", default: false },
    "keep-going": { type: "boolean", default: false },
  },
});
const from = Number(values.from);
const count = Number(values.seeds);
if (!Number.isSafeInteger(from) || !Number.isSafeInteger(count) || count < 1) {
  console.error("--seeds and --from take whole numbers; --seeds at least 1");
  process.exit(2);
}

let events = 0;
let computed = 0;
const failed: number[] = [];
const begun = performance.now();
for (let seed = from; seed < from + count; seed++) {
  try {
    const report = simulate(seed);
    events += report.events;
    computed += report.computed;
    if (values.verbose) {
      const kind = report.disturbed ? "disturbed" : "calm";
      console.log(
        `seed ${seed}: ${report.tasks} tasks, ${report.computed} computed, ${report.events} events, ${kind}, ${report.digest}`,
      );
    }
  } catch (error) {
    failed.push(seed);
    const text = error instanceof Error ? error.message : String(error);
    if (values["keep-going"]) console.error(text.split("\n")[0]);
    else {
      report(seed, text);
      process.exit(1);
    }
  }
}
const seconds = ((performance.now() - begun) / 1000).toFixed(1);
console.log(
  `${count - failed.length} of ${count} seeds passed: ${computed} executions, ${events} events, ${seconds} s`,
);
if (failed.length > 0) console.log(`failed: ${failed.join(" ")}`);
process.exitCode = failed.length > 0 ? 1 : 0;

function report(seed: number, text: string): void {
  if (values.shrink) {
    const small = shrink(seed);
    if (small !== null)
      console.error(`${small.message}\n\nafter ${small.tries} tries, this is left:\n${small.summary}`);
  } else console.error(text);
  const replay = `npm run simulate -- --seeds 1 --from ${seed}`;
  console.error(`\nseed ${seed} failed; this replays it:\n  ${replay}\nand this makes it small:\n  ${replay} --shrink`);
}
