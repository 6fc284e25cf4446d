// `taskflock top`: the essential page in a terminal.

import { FlockError, isFlockError } from "@taskflock/protocol/words";
import type { Command } from "commander";
import { printLine } from "../process.ts";
import { flag } from "./flags.ts";
import { type PlaceFlags, withPlace } from "./place.ts";

interface TopFlags extends PlaceFlags {
  readonly once: boolean;
}

export function addTopCommand(program: Command): void {
  withPlace(
    program
      .command("top")
      .description(
        "Watch a cluster in the terminal: what limits it, tasks, runs with time left, workers, functions. " +
          "Keys: q quits, s sorts workers by another column, arrows scroll, p pauses. Without a terminal, prints once.",
      )
      .argument("[address]", "the scheduler, as host:port (default: --address)")
      .addOption(flag("--once", "print what is, and end", "ONCE").default(false)),
  ).action(async (_: string | undefined, flags: TopFlags) => {
    const [{ Observer }, { readToken, readTrust }, { printTop, runTop }] = await Promise.all([
      import("@taskflock/dashboard/watch"),
      import("@taskflock/protocol"),
      import("../top/top.ts"),
    ]);
    const { address } = flags;
    const token = readToken({ address, ...(flags.tokenFile === undefined ? {} : { tokenFile: flags.tokenFile }) });
    const observer = new Observer({ address, trust: readTrust(flags.tlsCa), token: () => token });
    const { stdin, stdout } = process;
    const stop = new AbortController();
    for (const [signal, code] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const) {
      process.once(signal, () => {
        process.exitCode = code;
        stop.abort();
      });
    }
    try {
      if (flags.once || !stdout.isTTY || !stdin.isTTY) printLine(await printTop(address, observer, stdout.columns));
      else await runTop(address, observer, { input: stdin, output: stdout, colour: isColourful() }, stop.signal);
    } catch (error) {
      throw error instanceof FlockError && isFlockError(error.cause) ? error.cause : error; // why there is no link
    } finally {
      await observer.close();
    }
  });
}

/** https://no-color.org: any value but an empty one. */
function isColourful(): boolean {
  return !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb";
}
