// Which cluster a command asks, and the client that asks it, which leaves in order on Ctrl-C, too.

import type { Client } from "@taskflock/client";
import type { Command } from "commander";
import { flag } from "./flags.ts";

export interface PlaceFlags {
  readonly address: string;
  readonly tokenFile?: string;
  /** Of the CA that signed the scheduler's certificate. */
  readonly tlsCa?: string;
}

/** Adds the flags; before the command's action `address` is there, and what the connection context says beside it. */
export function withPlace(command: Command): Command {
  return command
    .addOption(
      flag(
        "--address <address>",
        "the scheduler, as host:port (default: the current context's, or else 127.0.0.1:8786)",
        "ADDRESS",
      ),
    )
    .addOption(flag("--context <name>", "a saved connection context: address, token file, certificates", "CONTEXT"))
    .addOption(
      flag(
        "--token-file <file>",
        "file that holds the token (default: the context's, or where a local scheduler left it)",
        "TOKEN_FILE",
      ),
    )
    .addOption(
      flag(
        "--tls-ca <file>",
        "use TLS; file with the CA that signed the scheduler's certificate (default: the context's, if it has one)",
        "TLS_CA",
      ),
    )
    .hook("preAction", (_, action) => findPlaceOf(action));
}

async function findPlaceOf(action: Command): Promise<void> {
  const { findPlace } = await import("@taskflock/protocol/code");
  const operand = action.registeredArguments.findIndex((argument) => argument.name() === "address");
  // Environment variables are `findPlace`'s matter: what is said on the command line goes first.
  const said = (name: string): string | undefined =>
    action.getOptionValueSource(name) === "cli" ? action.getOptionValue(name) : undefined;
  const place = findPlace({ address: action.args[operand] ?? said("address"), context: said("context") });
  action.setOptionValueWithSource("address", place.address, "config");
  if (place.tokenFile !== undefined && said("tokenFile") === undefined)
    action.setOptionValueWithSource("tokenFile", place.tokenFile, "config");
  if (place.caFile !== undefined && said("tlsCa") === undefined)
    action.setOptionValueWithSource("tlsCa", place.caFile, "config");
}

/** After the first Ctrl-C or SIGTERM. What `use` does then is not waited for, but for its `tidyUp`; a second signal ends the process. */
export interface Interrupted {
  readonly signal: AbortSignal;
  /** What is still to be done before the client leaves. */
  tidyUp: (() => Promise<void>) | null;
}

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Asks a scheduler, with a client of the name. It says goodbye in any case: one that only vanished would be waited for, with what it
 * holds, such as a profile that is being taken.
 */
export async function asking<T>(
  name: string,
  { address, tokenFile, tlsCa }: PlaceFlags,
  use: (client: Client, interrupted: Interrupted) => Promise<T>,
): Promise<T | undefined> {
  const { Client } = await import("@taskflock/client");
  const controller = new AbortController();
  let isConnected = false;
  const stopped = new Promise<undefined>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => {
        if (!isConnected) process.exit(exitCodes[signal]);
        process.exitCode = exitCodes[signal];
        resolve(undefined); // before what `use` does when it is told
        controller.abort();
      });
    }
  });
  const place = {
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(tlsCa === undefined ? {} : { tls: { caFile: tlsCa } }),
  };
  const client = await Client.connect(address, { name, logs: "ignore", ...place });
  isConnected = true;
  const interrupted: Interrupted = { signal: controller.signal, tidyUp: null };
  try {
    const used = await Promise.race([use(client, interrupted), stopped]);
    if (controller.signal.aborted) await interrupted.tidyUp?.();
    return used;
  } finally {
    await client.close();
  }
}
