import type { Command } from "commander";
import { toOption } from "./flags.ts";
import { workWith } from "./roles.ts";
import { workerFlags } from "./worker-flags.ts";

/** `taskflock worker [ADDRESS]`. */
export function addWorkerCommand(program: Command): void {
  const command = program
    .command("worker")
    .description("Start workers that run tasks for the scheduler at ADDRESS (default: 127.0.0.1:8786).")
    .argument("[address]", "the scheduler, as host:port (environment: TASKFLOCK_ADDRESS)");
  for (const flag of workerFlags) command.addOption(toOption(flag));
  command.action((address: string | undefined, flags) =>
    workWith({ operands: address === undefined ? [] : [address], flags }),
  );
}
