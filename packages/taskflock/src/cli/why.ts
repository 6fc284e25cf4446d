// `taskflock why` and `taskflock story`: what a task waits for, and what happened to it.

import type { Command } from "commander";
import { printLine } from "../process.ts";
import { flag } from "./flags.ts";
import { asking, type PlaceFlags, withPlace } from "./place.ts";

interface WhyFlags extends PlaceFlags {
  readonly json: boolean;
}

export function addWhyCommands(program: Command): void {
  aboutTask(
    program.command("why").description("Print what a task waits for, or how it ended: of any client, by its key."),
    "print all that is known as JSON",
  ).action((key: string, flags: WhyFlags) =>
    asking("taskflock why", flags, async (client) => {
      const why = await client.why(key);
      printLine(flags.json ? JSON.stringify(why, null, 2) : why.text);
    }),
  );
  aboutTask(
    program.command("story").description("Print what happened to a task so far: its transitions, and why each came."),
    "print each as a line of JSON",
  ).action((key: string, flags: WhyFlags) =>
    asking("taskflock story", flags, async (client) => {
      const { formatStory } = await import("../format.ts");
      const lines = await client.story(key);
      if (flags.json) for (const line of lines) printLine(JSON.stringify(line));
      else printLine(lines.length === 0 ? `What happened to ${key} is too long ago.` : formatStory(lines));
    }),
  );
}

function aboutTask(command: Command, json: string): Command {
  return withPlace(command.argument("<key>", "the task's key, such as fit-3-17")).addOption(
    flag("--json", json, "JSON").default(false),
  );
}
