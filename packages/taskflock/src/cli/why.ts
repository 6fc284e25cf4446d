// `taskflock why` and `taskflock story`: what a task waits for, and what happened to it.

import type { Client } from "@taskflock/client";
import type { Command } from "commander";
import { printLine } from "../process.ts";
import { flag } from "./flags.ts";

interface WhyFlags {
  readonly address: string;
  readonly tokenFile?: string;
  readonly json: boolean;
}

export function addWhyCommands(program: Command): void {
  aboutTask(
    program.command("why").description("Print what a task waits for, or how it ended: of any client, by its key."),
    "print all that is known as JSON",
  ).action((key: string, flags: WhyFlags) =>
    withClient(flags, "taskflock why", async (client) => {
      const why = await client.why(key);
      printLine(flags.json ? JSON.stringify(why, null, 2) : why.text);
    }),
  );
  aboutTask(
    program.command("story").description("Print what happened to a task so far: its transitions, and why each came."),
    "print each as a line of JSON",
  ).action((key: string, flags: WhyFlags) =>
    withClient(flags, "taskflock story", async (client) => {
      const { formatStory } = await import("../format.ts");
      const lines = await client.story(key);
      if (flags.json) for (const line of lines) printLine(JSON.stringify(line));
      else printLine(lines.length === 0 ? `What happened to ${key} is too long ago.` : formatStory(lines));
    }),
  );
}

function aboutTask(command: Command, json: string): Command {
  return command
    .argument("<key>", "the task's key, such as fit-3-17")
    .addOption(flag("--address <address>", "the scheduler, as host:port", "ADDRESS").default("127.0.0.1:8786"))
    .addOption(
      flag("--token-file <file>", "file that holds the token (default: where a local scheduler left it)", "TOKEN_FILE"),
    )
    .addOption(flag("--json", json, "JSON").default(false));
}

async function withClient(flags: WhyFlags, name: string, use: (client: Client) => Promise<void>): Promise<void> {
  const { Client } = await import("@taskflock/client");
  const { tokenFile } = flags;
  const connected = { name, logs: "ignore", ...(tokenFile === undefined ? {} : { tokenFile }) } as const;
  const client = await Client.connect(flags.address, connected);
  try {
    await use(client);
  } finally {
    await client.close();
  }
}
