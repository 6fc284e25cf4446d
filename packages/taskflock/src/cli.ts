#!/usr/bin/env node
// The command line.

import { runRole } from "./cli/roles.ts";
import { describeError } from "./process.ts";

try {
  if (!(await runRole(process.argv.slice(2)))) {
    const { runProgram } = await import("./cli/program.ts");
    await runProgram();
  }
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = 1;
}
