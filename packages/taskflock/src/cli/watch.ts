// `taskflock events`, `logs` and `dump`: what happened, what was printed, all that is known.

import type { Command } from "commander";
import { printLine } from "../process.ts";
import { integer } from "../values.ts";
import { flag } from "./flags.ts";
import { asking, type PlaceFlags, withPlace } from "./place.ts";

interface StreamFlags extends PlaceFlags {
  readonly since: number;
  readonly follow: boolean;
  readonly json: boolean;
}
interface ProfileFlags extends PlaceFlags {
  readonly seconds: number;
  readonly intervalUs: number;
  readonly worker?: string;
  readonly json: boolean;
}
interface LogFlags extends StreamFlags {
  readonly worker?: string;
  readonly task?: string;
  readonly run?: string;
}

export function addWatchCommands(program: Command): void {
  streamFlags(
    withPlace(
      program.command("events").description("Print what happened: workers and clients that came and went, and why."),
    ),
  ).action((flags: StreamFlags) =>
    asking("taskflock events", flags, async (client) => {
      const { eventLine } = await import("../format.ts");
      const { since } = flags;
      const lines = flags.follow ? client.followEvents({ since }) : await client.events({ since });
      for await (const event of lines) printLine(flags.json ? JSON.stringify(event) : eventLine(event));
    }),
  );
  streamFlags(
    withPlace(program.command("logs").description("Print what tasks printed and workers said."))
      .option("--worker <name>", "of this worker only")
      .option("--task <key>", "of the task with this key only")
      .option("--run <name>", "of tasks of this run only"),
  ).action((flags: LogFlags) =>
    asking("taskflock logs", flags, async (client) => {
      const { printedLines } = await import("../format.ts");
      const wanted = { since: flags.since, ...chosen(flags) };
      const lines = flags.follow ? client.followLogs(wanted) : await client.logs(wanted);
      for await (const line of lines) printLine(flags.json ? JSON.stringify(line) : printedLines(line));
    }),
  );
  withPlace(
    program
      .command("profile")
      .description("Sample what tasks do for a while, and print where their time goes.")
      .addOption(flag("--seconds <n>", "for how long", "SECONDS").argParser(integer(1, 3_600)).default(5))
      .addOption(
        flag("--interval-us <n>", "between two samples, microseconds", "INTERVAL_US")
          .argParser(integer(50, 1_000_000))
          .default(1_000),
      )
      .option("--worker <name>", "of this worker only")
      .addOption(flag("--json", "print it as JSON", "JSON").default(false)),
  ).action((flags: ProfileFlags) =>
    asking("taskflock profile", flags, async (client) => {
      const { seconds, intervalUs, worker, json } = flags;
      const workers = worker === undefined ? {} : { workers: [worker] };
      const profile = await client.profile({ durationMs: seconds * 1000, intervalUs, ...workers });
      printLine(json ? JSON.stringify(profile, null, 2) : profile.toString());
    }),
  );
  withPlace(
    program
      .command("dump")
      .description(
        "Write all that the scheduler knows to a file: a line of JSON for each worker, task, transition, event.",
      )
      .argument("<file>", "where to; compressed if it ends in .gz"),
  ).action((file: string, flags: PlaceFlags) =>
    asking("taskflock dump", flags, async (client) => {
      const { tasks, transitions, events } = await client.dump(file);
      printLine(`${file}: ${tasks} tasks, ${transitions} transitions, ${events} events`);
    }),
  );
}

function streamFlags(command: Command): Command {
  return command
    .addOption(
      flag("--since <number>", "only those after this number", "SINCE")
        .argParser(integer(0, 2 ** 52))
        .default(0),
    )
    .addOption(flag("--follow", "go on with what comes", "FOLLOW").default(false))
    .addOption(flag("--json", "print each as a line of JSON", "JSON").default(false));
}

function chosen({ worker, task, run }: LogFlags): Pick<LogFlags, "worker" | "task" | "run"> {
  return Object.fromEntries(Object.entries({ worker, task, run }).filter(([, value]) => value !== undefined));
}
