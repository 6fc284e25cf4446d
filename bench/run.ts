// `npm run bench [-- WORKLOAD …] [--repeats N] [--profile DIR] [--allocations DIR]`: one line of JSON for each workload.

import { parseArgs } from "node:util";
import { machine } from "./machine.ts";
import type { ProfileOptions } from "./profiler.ts";
import { rows } from "./rows.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    repeats: { type: "string", default: "5" },
    profile: { type: "string" },
    allocations: { type: "string" },
  },
});
const unknown = positionals.filter((name) => !(name in rows));
const repeats = Number(values.repeats);
if (unknown.length > 0 || !(repeats >= 1)) {
  process.stderr.write(`usage: npm run bench [-- WORKLOAD …] [--repeats N] [--profile DIR] [--allocations DIR]
workloads: ${Object.keys(rows).join(", ")}\n`);
  process.exit(2);
}

function profileOptions(): ProfileOptions | null {
  if (values.profile !== undefined) return { kind: "cpu", folder: values.profile };
  return values.allocations === undefined ? null : { kind: "allocations", folder: values.allocations };
}

for (const [name, row] of Object.entries(rows)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const line = await row({ repeats, profile: profileOptions() });
  process.stdout.write(`${JSON.stringify({ ...line, ...machine })}\n`);
}
