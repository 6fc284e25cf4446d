import type { Command } from "commander";
import { printLine } from "../process.ts";
import { flag } from "./flags.ts";

const help = `
It ends with exit code 0 when tensors are computed on a GPU here, and with 1 when they are not. What it says holds for tasks
that ask for a GPU, too: they run where their worker's --gpus and --backend let them.`;

/** `taskflock gpu`: does a GPU compute here? */
export function addGpuCommand(program: Command): void {
  program
    .command("gpu")
    .description(
      "Check for GPUs: which there are, with memory, driver and CUDA; which backend computes with tensors, and why no better one; how fast a matrix product is.",
    )
    .addOption(flag("--json", "print everything as JSON", "JSON").default(false))
    .addHelpText("after", help)
    .action(async ({ json }: { readonly json: boolean }) => {
      const { checkGpu, formatGpuCheck } = await import("../gpu.ts");
      const check = await checkGpu();
      printLine(json ? JSON.stringify(check, null, 2) : await formatGpuCheck(check));
      process.exitCode = check.available ? 0 : 1;
    });
}
