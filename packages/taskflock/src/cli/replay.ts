import type { Command } from "commander";
import { printLine } from "../process.ts";
import { flag } from "./flags.ts";

/** `taskflock replay FILE`: the scheduler's machine, stepped once more over what it recorded. */
export function addReplayCommand(program: Command): void {
  program
    .command("replay")
    .description(
      "Step the scheduler's machine over a recording (scheduler --record FILE) to the same state, and tell stories.",
    )
    .argument("<file>", "the recording")
    .addOption(
      flag("--story <key...>", "print the stories of these tasks (a key, or its beginning)", "STORY").default(
        [],
        "none",
      ),
    )
    .addOption(flag("--json", "print the result as JSON", "JSON").default(false))
    .action(async (file: string, flags: { readonly story: readonly string[]; readonly json: boolean }) => {
      const { replayText } = await import("../roles/replay.ts");
      printLine(replayText(file, flags));
    });
}
