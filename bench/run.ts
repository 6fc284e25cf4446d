// `npm run bench [-- WORKLOAD …] [--repeats N]`: one line of JSON for each workload.

import { parseArgs } from "node:util";
import { machine, workloads } from "./workloads.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { repeats: { type: "string", default: "5" } },
});
const unknown = positionals.filter((name) => !(name in workloads));
if (unknown.length > 0) {
  process.stderr.write(`unknown workload ${unknown.join(", ")}; there are ${Object.keys(workloads).join(", ")}\n`);
  process.exit(2);
}
for (const [name, workload] of Object.entries(workloads)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  process.stdout.write(
    `${JSON.stringify({ workload: name, ...(await workload(Number(values.repeats))), ...machine })}\n`,
  );
}
