// `taskflock report`: one file that shows what a cluster did.

import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { printLine } from "../process.ts";
import { integer } from "../values.ts";
import { flag } from "./flags.ts";
import { asking, type PlaceFlags, withPlace } from "./place.ts";

interface ReportFlags extends PlaceFlags {
  readonly output: string;
  readonly seconds?: number;
  readonly title: string;
  readonly dashboard?: string;
}

export function addReportCommand(program: Command): void {
  withPlace(
    program
      .command("report")
      .description("Write a report: one HTML file that shows what a cluster did, and opens without a server.")
      .argument("[address]", "the scheduler, as --address"),
  )
    .addOption(flag("-o, --output <file>", "where to", "OUTPUT").default("taskflock-report.html"))
    .addOption(
      flag(
        "--seconds <n>",
        "collect for so long; Ctrl-C ends it early (default: what is remembered now)",
        "SECONDS",
      ).argParser(integer(1, 86_400)),
    )
    .addOption(flag("--title <text>", "what stands above it", "TITLE").default(""))
    .option("--dashboard <address>", "the status page (default: where the scheduler says that it is)")
    .action((_: string | undefined, flags: ReportFlags) =>
      asking("taskflock report", flags, async (client, interrupted) => {
        const { output, seconds, title, dashboard } = flags;
        const options = {
          ...(title === "" ? {} : { title }),
          ...(dashboard === undefined ? {} : { dashboard }),
        };
        if (seconds === undefined) await client.report(output, options);
        else {
          const wait = (): Promise<void> => sleep(seconds * 1000, undefined, interrupted).catch(() => undefined);
          const written = client.report(output, wait, {
            ...options,
            maxSeconds: seconds + 60 > 86_400 ? 86_400 : seconds + 60,
          });
          // Ctrl-C: what came so far
          interrupted.tidyUp = () => written;
          await written;
        }
        printLine(output);
      }),
    );
}
