#!/usr/bin/env node
// The command line. Commands load what they need only when they run, so that `--help` and a worker's start are quick.

import { Command, CommanderError } from "commander";
import { addDemoCommand } from "./cli/demo.ts";
import { addDoctorCommand } from "./cli/doctor.ts";
import { addReplayCommand } from "./cli/replay.ts";
import { addSchedulerCommand } from "./cli/scheduler.ts";
import { addStatusCommand, addTokenCommand } from "./cli/status.ts";
import { addWorkerCommand } from "./cli/worker.ts";
import { describeError } from "./process.ts";
import { version } from "./version.ts";

const program = new Command("taskflock")
  .description("A distributed task scheduler for TypeScript.")
  .version(version)
  .showHelpAfterError("(--help shows what there is)")
  .configureHelp({ showGlobalOptions: true })
  .addHelpText(
    "after",
    `
Every flag is also an environment variable, which the --help of its command names: TASKFLOCK_PORT=9000 is --port 9000.

  taskflock demo                  a cluster on this machine and a grid search, in one command
  taskflock scheduler             a scheduler on 127.0.0.1:8786, its page on http://127.0.0.1:8787/status
  taskflock worker --threads 4    a worker for it`,
  );
program.exitOverride();
addDemoCommand(program);
addSchedulerCommand(program);
addWorkerCommand(program);
addStatusCommand(program);
addTokenCommand(program);
addDoctorCommand(program);
addReplayCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode;
  else {
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = 1;
  }
}
