// npm run simulate -- --seeds N --from S [--verbose]

import { parseArgs } from "node:util";
import { simulate } from "./simulation.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "300" },
    from: { type: "string", default: "1" },
    verbose: { type: "boolean", default: false },
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
    console.error(error instanceof Error ? error.message : error);
    console.error(`\nseed ${seed} failed; this replays it:\n  npm run simulate -- --seeds 1 --from ${seed}`);
    process.exit(1);
  }
}
const seconds = ((performance.now() - begun) / 1000).toFixed(1);
console.log(`${count} seeds passed: ${computed} executions, ${events} events, ${seconds} s`);
