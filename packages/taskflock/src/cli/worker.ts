import type { Command } from "commander";
import { Option } from "commander";
import { logLevels } from "../logger.ts";
import type { WorkerFlags } from "../roles/worker.ts";
import { byteSize, cores, integer, port, resources } from "../values.ts";
import { descriptor, flag } from "./flags.ts";

/** `taskflock worker [ADDRESS]`. */
export function addWorkerCommand(program: Command): void {
  const command = program
    .command("worker")
    .description("Start workers that run tasks for the scheduler at ADDRESS (default: 127.0.0.1:8786).")
    .argument("[address]", "the scheduler, as host:port (environment: TASKFLOCK_ADDRESS)")
    .addOption(flag("--address <address>", "the same, as a flag", "ADDRESS"));
  addCapacityFlags(command);
  addPlaceFlags(command);
  command.action(async (address: string | undefined, flags: WorkerFlags & { address?: string }) => {
    const { runWorkers } = await import("../roles/worker.ts");
    await runWorkers(address ?? flags.address ?? "127.0.0.1:8786", flags);
  });
}

/** How much each process has and may use. */
function addCapacityFlags(command: Command): void {
  command
    .addOption(
      flag("--threads <n>", "slots of each process: tasks it runs at once", "THREADS")
        .default(cores(), "the machine's cores")
        .argParser(integer(1, 1024)),
    )
    .addOption(flag("--processes <n>", "worker processes", "PROCESSES").default(1).argParser(integer(1, 256)))
    .addOption(
      flag(
        "--memory-limit <size>",
        "memory of each process, e.g. 4GiB; above it the nanny restarts it (default: an even share of the machine's)",
        "MEMORY_LIMIT",
      ).argParser(byteSize),
    )
    .addOption(
      flag(
        "--heap-limit <size>",
        "JavaScript heap of each slot; a task that fills it fails, its worker does not (default: Node's own)",
        "HEAP_LIMIT",
      ).argParser(byteSize),
    )
    .addOption(
      flag("--resources <list>", "named resources that tasks can ask for, e.g. GPU=1,disk=0.5", "RESOURCES")
        .default({}, "none")
        .argParser(resources),
    );
}

/** Who it is, where it is reached, whom it trusts. */
function addPlaceFlags(command: Command): void {
  command
    .addOption(
      flag("--name <name>", "a readable name (default: host and process); with --processes, -1, -2 … is added", "NAME"),
    )
    .addOption(
      flag("--host <host>", "address on which peers and clients fetch its results", "WORKER_HOST").default("127.0.0.1"),
    )
    .addOption(flag("--port <port>", "port for that; 0 chooses a free one", "WORKER_PORT").default(0).argParser(port))
    .addOption(
      flag("--no-nanny", "run in this process, without the parent that restarts it and watches its memory", "NO_NANNY"),
    )
    .addOption(
      flag(
        "--check-arguments",
        "hash shared arrays before and after each task, and fail the task that changed one",
        "CHECK_ARGUMENTS",
      ).default(false),
    )
    .addOption(
      flag(
        "--scheduler-lost-ms <ms>",
        "how long to wait for a scheduler that is gone, milliseconds",
        "SCHEDULER_LOST_MS",
      )
        .default(300_000)
        .argParser(integer(0, 2 ** 31 - 1)),
    )
    .addOption(
      flag(
        "--token-file <file>",
        "file that holds the scheduler's token (default: where a local scheduler left it)",
        "TOKEN_FILE",
      ),
    )
    .addOption(flag("--log-level <level>", "how much is logged", "LOG_LEVEL").default("info").choices(logLevels))
    .addOption(descriptor("--token-fd <fd>", "descriptor that the token is read from"))
    .addOption(
      descriptor("--ready-fd <fd>", "descriptor that one line of JSON is written to when the worker has joined"),
    )
    .addOption(new Option("--exit-on-stdin-end", "stop when stdin ends: with the parent process").default(false));
}
