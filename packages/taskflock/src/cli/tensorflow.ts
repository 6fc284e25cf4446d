// `taskflock tensorflow`: a native TensorFlow.js, built here.
import type { Installation, Step } from "@taskflock/tensors/install";
import type { Command } from "commander";
import { printLine } from "../process.ts";
import { flag } from "./flags.ts";

interface PlaceFlags {
  readonly into?: string;
}

interface InstallFlags extends PlaceFlags {
  readonly gpu?: boolean;
  readonly python?: string;
  readonly tensorflow?: string;
  readonly force?: boolean;
}

const into = () =>
  flag(
    "--into <folder>",
    "the folder for it (default: taskflock/tensorflow in the user's data, ~/.local/share)",
    "TENSORFLOW_HOME",
  );

const costs = `
What it does: takes TensorFlow's C library out of its Python wheel (by pip), and compiles the binding of @tensorflow/tfjs-node (by npm)
against it; then a matrix product and a gradient step must come out right. Nothing else on the machine is changed; a second run verifies
what is there. Workers, and loadTensors(), find it by themselves; with --into, set TASKFLOCK_TENSORFLOW_HOME to the same folder for them.

It needs Linux with glibc on x64 or arm64, a C++ compiler, Python with pip, npm, and pip's and npm's registries.

                 download    disk, building    disk, after    time, without the download
  processor        0.3 GB            2.5 GB         1.0 GB                   about 30 s
  --gpu            3 GB               12 GB           6 GB              a few minutes`;

/** `taskflock tensorflow install | status | remove` */
export function addTensorflowCommand(program: Command): void {
  const tensorflow = program
    .command("tensorflow")
    .description("Native TensorFlow.js, where its package's own download cannot reach or is too old.");
  tensorflow
    .command("install")
    .description("Build it: the fastest backend for tensors on this machine.")
    .addOption(flag("--gpu", "for GPUs of NVIDIA: with CUDA 12, the driver of the machine is used", "TENSORFLOW_GPU"))
    .addOption(into())
    .addOption(flag("--python <python>", "the Python that has pip (default: python3 of the path)", "PYTHON"))
    .addOption(
      flag(
        "--tensorflow <version>",
        "version of TensorFlow (default: the newest that pip offers)",
        "TENSORFLOW_VERSION",
      ),
    )
    .addOption(flag("--force", "build it anew when it is there already", "TENSORFLOW_FORCE"))
    .addHelpText("after", costs)
    .action(install);
  tensorflow
    .command("status")
    .description("Print which native TensorFlow.js is here, or why there is none.")
    .addOption(into())
    .action(status);
  tensorflow
    .command("remove")
    .description("Remove what install made: for the processor and for GPUs.")
    .addOption(into())
    .action(remove);
}

async function install({ into: folder, ...flags }: InstallFlags): Promise<void> {
  const { installTensorFlow } = await import("@taskflock/tensors/install");
  const place = folder === undefined ? {} : { into: folder };
  const start = performance.now();
  const signal = interruption();
  try {
    const installation = await installTensorFlow({ ...flags, ...place, signal, onStep: printStep });
    printLine(summary(installation, seconds(performance.now() - start)));
  } catch (error) {
    if (!signal.aborted) throw error;
    process.stderr.write(`taskflock: ${(error as Error).message}\n`); // its exit code is set
  }
}

/** The first signal ends and undoes it; a second is Node's own again, and ends the process at once. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const [signal, exitCode] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)
    process.once(signal, () => {
      controller.abort(new Error(`ended by ${signal}; nothing was changed`));
      process.exitCode = exitCode;
    });
  return controller.signal;
}

function printStep({ name, result, ms }: Step): void {
  if (result === null) {
    if (process.stdout.isTTY) process.stdout.write(`… ${name}\r`);
  } else
    printLine(result === "" && ms === 0 ? name : `✓ ${name}${result === "" ? "" : `: ${result}`} (${seconds(ms)})`);
}

function summary({ folder, versions, alreadyThere, onGpu }: Installation, time: string): string {
  const what = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const where = onGpu ? "" : folder.endsWith("gpu") ? ", verified without a GPU, since none is here" : "";
  return `${alreadyThere ? "already there" : "installed"}: ${what.join(", ")} in ${folder}${where} (${time})`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

async function status({ into: folder }: PlaceFlags): Promise<void> {
  const { tensorflowStatus } = await import("@taskflock/tensors/install");
  for (const { gpu, found, bytes } of tensorflowStatus(folder)) {
    const kind = gpu ? "GPU      " : "processor";
    if ("why" in found) printLine(`${kind}  none: ${found.why}`);
    else {
      const versions = Object.entries(found.versions).map(([name, version]) => `${name} ${version}`);
      printLine(
        `${kind}  ${versions.join(", ")}: ${found.path}${bytes > 0 ? ` (${(bytes / 1e9).toFixed(1)} GB)` : ""}`,
      );
    }
  }
}

async function remove({ into: folder }: PlaceFlags): Promise<void> {
  const { removeTensorFlow, tensorflowHome } = await import("@taskflock/tensors/install");
  const home = folder ?? tensorflowHome();
  const folders = removeTensorFlow(home);
  printLine(folders.length > 0 ? `removed ${folders.join(", ")}` : `nothing to remove: there is none in ${home}`);
}
