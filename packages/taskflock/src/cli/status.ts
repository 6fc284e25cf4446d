import type { Command } from "commander";
import { printLine } from "../process.ts";
import { flag } from "./flags.ts";

interface StatusFlags {
  readonly address: string;
  readonly tokenFile?: string;
  readonly json: boolean;
}

/** `taskflock status`: what the page shows first, on a terminal. */
export function addStatusCommand(program: Command): void {
  program
    .command("status")
    .description("Print what a cluster is doing: workers, tasks, runs.")
    .addOption(flag("--address <address>", "the scheduler, as host:port", "ADDRESS").default("127.0.0.1:8786"))
    .addOption(
      flag("--token-file <file>", "file that holds the token (default: where a local scheduler left it)", "TOKEN_FILE"),
    )
    .addOption(flag("--json", "print everything as JSON", "JSON").default(false))
    .action(async (flags: StatusFlags) => {
      const { Client } = await import("@taskflock/client");
      const { formatCluster } = await import("../format.ts");
      const client = await Client.connect(flags.address, {
        name: "taskflock status",
        ...(flags.tokenFile === undefined ? {} : { tokenFile: flags.tokenFile }),
      });
      try {
        const seen = await client.cluster();
        const cluster = { ...seen, sessions: seen.sessions - 1 }; // all but the one that asks
        printLine(flags.json ? JSON.stringify(cluster, null, 2) : formatCluster(cluster));
      } finally {
        await client.close();
      }
    });
}

/** `taskflock token`: the token that a local scheduler left, for a client elsewhere. */
export function addTokenCommand(program: Command): void {
  program
    .command("token")
    .description("Print the token of a scheduler on this machine, for clients and workers on others.")
    .addOption(flag("--address <address>", "the scheduler, as host:port", "ADDRESS").default("127.0.0.1:8786"))
    .addOption(
      flag("--token-file <file>", "file that holds the token (default: where the scheduler left it)", "TOKEN_FILE"),
    )
    .action(async (flags: { readonly address: string; readonly tokenFile?: string }) => {
      const { readToken } = await import("@taskflock/protocol");
      printLine(
        readToken({ address: flags.address, ...(flags.tokenFile === undefined ? {} : { tokenFile: flags.tokenFile }) }),
      );
    });
}
