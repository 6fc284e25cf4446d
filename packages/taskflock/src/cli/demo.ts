import type { Command } from "commander";
import { integer } from "../values.ts";
import { flag } from "./flags.ts";

/** `taskflock demo`: a local cluster and the digits grid search. */
export function addDemoCommand(program: Command): void {
  program
    .command("demo")
    .description(
      "Start a cluster on this machine and run the digits grid search: 18 candidates, 3 folds, 1,797 handwritten digits.",
    )
    .addOption(flag("--workers <n>", "worker processes", "DEMO_WORKERS").default(2).argParser(integer(1, 64)))
    .addOption(flag("--stay", "keep the cluster, and its page, until Ctrl-C", "DEMO_STAY").default(false))
    .action(async (flags: { readonly workers: number; readonly stay: boolean }) => {
      const { digitsDemo } = await import("../demo.ts");
      await digitsDemo(flags);
    });
}
