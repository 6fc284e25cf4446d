import type { Client, RestartOptions } from "@taskflock/client";
import type { Command } from "commander";
import { printLine } from "../process.ts";
import { duration } from "../values.ts";
import { flag } from "./flags.ts";
import { asking, type PlaceFlags, withPlace } from "./place.ts";

interface RestartFlags extends PlaceFlags {
  readonly timeout: number;
}

/** `taskflock retire NAME…`: workers finish what they run, hand over their data, and leave. */
export function addRetireCommand(program: Command): void {
  const command = program
    .command("retire")
    .description("Stop workers: each finishes what it runs, hands over what only it holds, and leaves.")
    .argument("<name...>", "the workers, as `taskflock status` names them");
  withPlace(command).action(async (names: readonly string[], flags: PlaceFlags) => {
    await asking("taskflock retire", flags, async (client) => {
      for (const { name, running, stored } of await client.retireWorkers(names)) {
        printLine(`${name} leaves; it still runs ${counted(running, "task")} and holds ${counted(stored, "result")}.`);
      }
    });
  });
}

/** `taskflock restart [NAME…]`: the whole cluster anew, or single workers without a loss. */
export function addRestartCommand(program: Command): void {
  const command = program
    .command("restart")
    .description(
      "Replace worker processes. Without names: all of them at once; all tasks are cancelled, all data is dropped. " +
        "With names: one by one, and nothing is lost.",
    )
    .argument("[name...]", "the workers, as `taskflock status` names them")
    .addOption(
      flag("--timeout <time>", "how long they may take to come back, e.g. 90s", "RESTART_TIMEOUT")
        .default(60_000, "1m")
        .argParser(duration),
    );
  withPlace(command).action(async (names: readonly string[], flags: RestartFlags) => {
    const options = { timeoutMs: flags.timeout };
    await asking("taskflock restart", flags, (client) =>
      names.length > 0 ? restartSome(client, names, options) : restartAll(client, options),
    );
  });
}

async function restartSome(client: Client, names: readonly string[], options: RestartOptions): Promise<void> {
  const workers = await client.restartWorkers(names, options);
  printLine(`${workers.map(({ name, pid }) => `${name} (pid ${pid})`).join(", ")}: back.`);
}

async function restartAll(client: Client, options: RestartOptions): Promise<void> {
  const { workers, kept, cancelled, dropped } = await client.restart(options);
  const back = counted(workers.length, "worker");
  printLine(`${back} back; ${counted(cancelled, "task")} and ${counted(dropped, "result")} cancelled.`);
  if (kept.length > 0) printLine(`Without a nanny, and so not restarted: ${kept.join(", ")}.`);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
