import { type Command, Option } from "commander";
import { logLevels } from "../logger.ts";
import type { SchedulerFlags } from "../roles/scheduler.ts";
import { byteSizeFrom, port } from "../values.ts";
import { descriptor, flag } from "./flags.ts";

/** `taskflock scheduler`. */
export function addSchedulerCommand(program: Command): void {
  program
    .command("scheduler")
    .description(
      "Start a scheduler: clients and workers connect to it on --port, people look at its page on --dashboard-port.",
    )
    .addOption(flag("--host <host>", "address to listen on", "HOST").default("127.0.0.1"))
    .addOption(
      flag("--port <port>", "port for clients and workers; 0 chooses a free one", "PORT").default(8786).argParser(port),
    )
    .addOption(flag("--dashboard-host <host>", "address of the status page (default: --host)", "DASHBOARD_HOST"))
    .addOption(
      flag("--dashboard-port <port>", "port of the status page; 0 chooses a free one", "DASHBOARD_PORT")
        .default(8787)
        .argParser(port),
    )
    .addOption(
      flag(
        "--token-file <file>",
        "file that holds the token (default: one is made and left where local clients find it)",
        "TOKEN_FILE",
      ),
    )
    .addOption(
      flag("--insecure", "accept plain text on an address beyond loopback; warns at every start", "INSECURE").default(
        false,
      ),
    )
    .addOption(flag("--record <file>", "record every event, for `taskflock replay`", "RECORD"))
    .addOption(
      flag("--max-frame-bytes <size>", "largest frame that is accepted", "MAX_FRAME_BYTES")
        .default(4 * 1024 * 1024, "4MiB")
        .argParser(byteSizeFrom(128 * 1024, 1024 ** 3)),
    )
    .addOption(flag("--log-level <level>", "how much is logged", "LOG_LEVEL").default("info").choices(logLevels))
    .addOption(descriptor("--token-fd <fd>", "descriptor that the token is read from"))
    .addOption(
      descriptor("--ready-fd <fd>", "descriptor that one line of JSON is written to when the scheduler is ready"),
    )
    .addOption(new Option("--exit-on-stdin-end", "stop when stdin ends: with the parent process").default(false))
    .action(async (flags: SchedulerFlags) => {
      const { runScheduler } = await import("../roles/scheduler.ts");
      await runScheduler(flags);
    });
}
