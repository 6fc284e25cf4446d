// `taskflock events`, `logs` and `dump`: what happened, what was printed, all that is known.

import { setTimeout as sleep } from "node:timers/promises";
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
    asking("taskflock events", flags, async (client, { signal }) => {
      const { eventLine } = await import("../format.ts");
      const { since } = flags;
      const lines = flags.follow ? client.followEvents({ since, signal }) : await client.events({ since });
      for await (const event of lines) printLine(flags.json ? JSON.stringify(event) : eventLine(event));
    }),
  );
  streamFlags(
    withPlace(program.command("logs").description("Print what tasks printed and workers said."))
      .option("--worker <name>", "of this worker only")
      .option("--task <key>", "of the task with this key only")
      .option("--run <name>", "of tasks of this run only"),
  ).action((flags: LogFlags) =>
    asking("taskflock logs", flags, async (client, { signal }) => {
      const { printedLines } = await import("../format.ts");
      const wanted = { since: flags.since, ...chosen(flags) };
      const lines = flags.follow ? client.followLogs({ ...wanted, signal }) : await client.logs(wanted);
      for await (const line of lines) printLine(flags.json ? JSON.stringify(line) : printedLines(line));
    }),
  );
  addProfileCommand(program);
  addDumpCommand(program);
}

function addProfileCommand(program: Command): void {
  withPlace(
    program
      .command("profile")
      .description("Sample what tasks do for a while, and print where their time goes; Ctrl-C ends it early.")
      .addOption(flag("--seconds <n>", "for how long", "SECONDS").argParser(integer(1, 3_600)).default(5))
      .addOption(
        flag("--interval-us <n>", "between two samples, microseconds", "INTERVAL_US")
          .argParser(integer(50, 1_000_000))
          .default(1_000),
      )
      .option("--worker <name>", "of this worker only")
      .addOption(flag("--json", "print it as JSON", "JSON").default(false)),
  ).action((flags: ProfileFlags) =>
    asking("taskflock profile", flags, async (client, interrupted) => {
      const { seconds, intervalUs, worker, json } = flags;
      const workers = worker === undefined ? {} : { workers: [worker] };
      const profiling = await client.startProfile({ intervalUs, ...workers });
      const print = async (): Promise<void> => {
        const profile = await profiling.stop();
        printLine(json ? JSON.stringify(profile, null, 2) : profile.toString());
      };
      interrupted.tidyUp = print; // Ctrl-C: what was seen so far
      await sleep(seconds * 1000, undefined, { signal: interrupted.signal });
      await print();
    }),
  );
}

function addDumpCommand(program: Command): void {
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
      flag("--since <number>", "only those after this one: the seq that --json prints", "SINCE")
        .argParser(integer(0, 2 ** 52))
        .default(0),
    )
    .addOption(flag("--follow", "go on with what comes", "FOLLOW").default(false))
    .addOption(flag("--json", "print each as a line of JSON", "JSON").default(false));
}

function chosen({ worker, task, run }: LogFlags): Pick<LogFlags, "worker" | "task" | "run"> {
  return Object.fromEntries(Object.entries({ worker, task, run }).filter(([, value]) => value !== undefined));
}
