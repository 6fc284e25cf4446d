import type { Command } from "commander";
import { toOption } from "./flags.ts";
import { scheduleWith } from "./roles.ts";
import { schedulerFlags } from "./scheduler-flags.ts";

/** `taskflock scheduler`. */
export function addSchedulerCommand(program: Command): void {
  const command = program
    .command("scheduler")
    .description(
      "Start a scheduler: clients and workers connect to it on --port, people look at its page on --dashboard-port.",
    );
  for (const flag of schedulerFlags) command.addOption(toOption(flag));
  command.action((flags) => scheduleWith({ operands: [], flags }));
}
