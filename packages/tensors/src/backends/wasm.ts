// WebAssembly, on one core with SIMD: TensorFlow.js uses no threads in Node.
import { dirname, sep } from "node:path";
import { findPackage, importFile } from "../packages.ts";
import { mendWasmKernels } from "../wasm/kernels.ts";
import { type Attempt, useBackend } from "./attempt.ts";

const name = "@tensorflow/tfjs-backend-wasm";

interface WasmPackage {
  setWasmPaths(folder: string): void;
  readonly version_wasm: string;
}

/** Engines that have it already: they come back to it after another backend. */
const mended: WeakSet<object> = new WeakSet();

export const tryWasm: Attempt = async ({ tf }) => {
  const file = findPackage(name);
  if (file === null) return { why: `${name} is not installed: npm install ${name}` };
  const wasm = (await importFile(file)) as WasmPackage;
  const ready = { versions: { "tfjs-backend-wasm": wasm.version_wasm }, device: null };
  if (mended.has(tf.engine())) {
    const why = await useBackend(tf, "wasm");
    return why === null ? ready : { why };
  }
  // The package's own folder: read from the disk, whatever the program was bundled to.
  wasm.setWasmPaths(dirname(file) + sep);
  const why = await withoutItsListeners(() => useBackend(tf, "wasm"));
  if (why !== null) return { why };
  mendWasmKernels(tf);
  mended.add(tf.engine());
  return ready;
};

const events = ["uncaughtException", "unhandledRejection"] as const;

/**
 * The module's start-up code throws every unhandled rejection anew, also where the program handles them itself. What it added
 * is taken away: nothing of it is of use here.
 */
async function withoutItsListeners<T>(start: () => Promise<T>): Promise<T> {
  const before = events.map((event) => process.listeners(event as "uncaughtException"));
  const result = await start();
  for (const [i, event] of events.entries()) {
    for (const listener of process.listeners(event as "uncaughtException")) {
      const added = !before[i]!.includes(listener) && /ExitStatus|throw reason/.test(String(listener));
      if (added) process.removeListener(event, listener);
    }
  }
  return result;
}
