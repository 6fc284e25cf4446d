// Which cluster a command asks, and the client that asks it.

import type { Client } from "@taskflock/client";
import type { Command } from "commander";
import { flag } from "./flags.ts";

export interface PlaceFlags {
  readonly address: string;
  readonly tokenFile?: string;
}

export function withPlace(command: Command): Command {
  return command
    .addOption(flag("--address <address>", "the scheduler, as host:port", "ADDRESS").default("127.0.0.1:8786"))
    .addOption(
      flag("--token-file <file>", "file that holds the token (default: where a local scheduler left it)", "TOKEN_FILE"),
    );
}

/** `name`: how the cluster sees the client. */
export async function asking<T>(
  name: string,
  { address, tokenFile }: PlaceFlags,
  ask: (client: Client) => Promise<T>,
): Promise<T> {
  const { Client } = await import("@taskflock/client");
  const token = tokenFile === undefined ? {} : { tokenFile };
  const client = await Client.connect(address, { name, logs: "ignore", ...token });
  try {
    return await ask(client);
  } finally {
    await client.close();
  }
}
