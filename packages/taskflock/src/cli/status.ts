import type { Command } from "commander";
import { printLine } from "../process.ts";
import { flag } from "./flags.ts";
import { asking, type PlaceFlags, withPlace } from "./place.ts";

interface StatusFlags extends PlaceFlags {
  readonly json: boolean;
}

const NAME = "taskflock status";

/** `taskflock status`: what the page shows first, on a terminal. */
export function addStatusCommand(program: Command): void {
  withPlace(program.command("status").description("Print what a cluster is doing: workers, tasks, runs."))
    .addOption(flag("--json", "print everything as JSON", "JSON").default(false))
    .action((flags: StatusFlags) =>
      asking(NAME, flags, async (client) => {
        const { formatCluster } = await import("../format.ts");
        const { sessions, runs, ...seen } = await client.cluster();
        // All but the one that asks, and the run that each session has.
        const cluster = { ...seen, sessions: sessions - 1, runs: runs.filter(({ name }) => name !== NAME) };
        printLine(flags.json ? JSON.stringify(cluster, null, 2) : formatCluster(cluster));
      }),
    );
}

/** `taskflock token`: the token that a local scheduler left, for a client elsewhere. */
export function addTokenCommand(program: Command): void {
  withPlace(
    program
      .command("token")
      .description(
        "Print the token of a scheduler on this machine or of a context, for clients and workers on others.",
      ),
  ).action(async (flags: PlaceFlags) => {
    const { readToken } = await import("@taskflock/protocol");
    printLine(
      readToken({ address: flags.address, ...(flags.tokenFile === undefined ? {} : { tokenFile: flags.tokenFile }) }),
    );
  });
}
