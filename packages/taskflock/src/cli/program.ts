import { Command, CommanderError } from "commander";
import { version } from "../version.ts";
import { addAwsCommand } from "./aws.ts";
import { addCertsCommand } from "./certs.ts";
import { addContextCommand } from "./context.ts";
import { addDashboardCommand, addLinkCommand } from "./dashboard.ts";
import { addDemoCommand } from "./demo.ts";
import { addDoctorCommand } from "./doctor.ts";
import { addGpuCommand } from "./gpu.ts";
import { addImageCommand } from "./image.ts";
import { addReplayCommand } from "./replay.ts";
import { addReportCommand } from "./report.ts";
import { addSchedulerCommand } from "./scheduler.ts";
import { addStatusCommand, addTokenCommand } from "./status.ts";
import { addTensorflowCommand } from "./tensorflow.ts";
import { addTopCommand } from "./top.ts";
import { addUserCommand } from "./user.ts";
import { addWatchCommands } from "./watch.ts";
import { addWhyCommands } from "./why.ts";
import { addWorkerCommand } from "./worker.ts";
import { addRestartCommand, addRetireCommand } from "./workers.ts";

/** Reads the command line, and runs the command. Each loads what it needs only when it runs, so that `--help` is quick. */
export async function runProgram(): Promise<void> {
  try {
    await newProgram().parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode;
  }
}

function newProgram(): Command {
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
  addDashboardCommand(program);
  addLinkCommand(program);
  addStatusCommand(program);
  addTopCommand(program);
  addTokenCommand(program);
  addAwsCommand(program);
  addUserCommand(program);
  addCertsCommand(program);
  addContextCommand(program);
  addRetireCommand(program);
  addRestartCommand(program);
  addDoctorCommand(program);
  addGpuCommand(program);
  addImageCommand(program);
  addReplayCommand(program);
  addReportCommand(program);
  addTensorflowCommand(program);
  addWatchCommands(program);
  addWhyCommands(program);
  return program;
}
