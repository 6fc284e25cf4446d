// Chooses how tensors are computed: once per process, the best that works.
import { isMainThread } from "node:worker_threads";
import { FlockError } from "@taskflock/protocol/words";
import { type Attempt, type Ready, type Refusal, reasonOf } from "./backends/attempt.ts";
import { quietCpu, tryCpu } from "./backends/cpu.ts";
import { tryNode, tryNodeGpu } from "./backends/native.ts";
import { tryWasm } from "./backends/wasm.ts";
import { tryWebGpu } from "./backends/webgpu.ts";
import { whatIsWrong } from "./check.ts";
import { findPackage, importFile } from "./packages.ts";
import {
  type LoadTensorsOptions,
  type PassedOver,
  type TensorBackend,
  type TensorChoice,
  type TensorFlow,
  type Tensors,
  tensorBackends,
} from "./types.ts";

const attempts: Readonly<Record<TensorBackend, Attempt>> = {
  "node-gpu": tryNodeGpu,
  node: tryNode,
  webgpu: tryWebGpu,
  wasm: tryWasm,
  cpu: tryCpu,
};

/**
 * TensorFlow.js with the best backend that works here: node-gpu, node, webgpu, wasm, cpu, in that order. Loaded once per
 * process (in threads: per thread); its engine is that of every `import * as tf from "@tensorflow/tfjs"`.
 * @throws FLOCK_TENSOR_MISSING when `@tensorflow/tfjs` is not installed
 * @throws FLOCK_TENSOR_BACKEND when the backend asked for is unknown or does not work, or another one is loaded already
 */
export async function loadTensors(options: LoadTensorsOptions = {}): Promise<Tensors> {
  const asked = askedBackend(options);
  const shared = sharedPlace();
  // One after the other: the engine has one backend. What failed before may work now.
  const before = shared.loading ?? Promise.resolve(null);
  shared.loading = before.catch(() => null).then((loaded) => loaded ?? load(asked, shared));
  const tensors = await shared.loading;
  if (asked === null || tensors.backend === asked) return tensors;
  throw new FlockError(
    "FLOCK_TENSOR_BACKEND",
    `The tensor backend "${asked}" was asked for, but this ${isMainThread ? "process" : "thread"} has loaded ` +
      `"${tensors.backend}", and has one only: ask for it before anything else is loaded, or in another process`,
  );
}

/**
 * The same for a training, which has its process to itself while it runs: what an earlier one asked for there does not bind it, and
 * without a wish it gets the best one.
 */
export async function switchTensors(options: LoadTensorsOptions = {}): Promise<Tensors> {
  const asked = askedBackend(options);
  const shared = sharedPlace();
  const before = shared.loading ?? Promise.resolve(null);
  shared.loading = before
    .catch(() => null)
    .then((loaded) => {
      const fits = loaded !== null && (asked === null ? shared.asked === null : loaded.backend === asked);
      return fits ? loaded : load(asked, shared);
    });
  return shared.loading;
}

interface Shared {
  loading: Promise<Tensors> | null;
  /** The backend that was asked for when it was loaded; null: the best. */
  asked: TensorBackend | null;
}

/** The engine is global, so this is, too: also across copies of this package. */
function sharedPlace(): Shared {
  const key = Symbol.for("taskflock.tensors");
  const globals = globalThis as { [key]?: Shared };
  globals[key] ??= { loading: null, asked: null };
  return globals[key];
}

function askedBackend({ backend }: LoadTensorsOptions): TensorBackend | null {
  const variable = process.env["TASKFLOCK_TENSOR_BACKEND"];
  const asked: string | undefined = backend ?? (variable === "" ? undefined : variable);
  if (asked === undefined) return null;
  const known = tensorBackends.find((name) => name === asked);
  if (known !== undefined) return known;
  const source = backend === undefined ? "TASKFLOCK_TENSOR_BACKEND" : "backend";
  throw new FlockError(
    "FLOCK_TENSOR_BACKEND",
    `${source} is ${JSON.stringify(asked)}, which is no tensor backend: there are ${tensorBackends.join(", ")}`,
  );
}

async function load(asked: TensorBackend | null, shared: Shared): Promise<Tensors> {
  shared.asked = asked;
  const tf = await loadTensorFlow();
  quietCpu(tf);
  const passedOver: PassedOver[] = [];
  for (const backend of asked === null ? tensorBackends : [asked]) {
    const result = await attempt(backend, tf, asked !== null);
    if ("why" in result) passedOver.push({ backend, why: result.why });
    else return chosen(tf, backend, result, passedOver, asked);
  }
  const story = passedOver.map(({ backend, why }) => `"${backend}" does not work here: ${why}`).join("; ");
  throw new FlockError("FLOCK_TENSOR_BACKEND", `The tensor backend ${story}`);
}

async function loadTensorFlow(): Promise<TensorFlow> {
  const name = "@tensorflow/tfjs";
  const file = findPackage(name);
  if (file !== null) return (await importFile(file)) as TensorFlow;
  throw new FlockError(
    "FLOCK_TENSOR_MISSING",
    `Computing with tensors needs ${name}, which is found neither from ${process.cwd()} nor from the program's own ` +
      `folder: npm install ${name} @tensorflow/tfjs-backend-wasm`,
  );
}

async function attempt(backend: TensorBackend, tf: TensorFlow, forced: boolean): Promise<Ready | Refusal> {
  try {
    const result = await attempts[backend]({ tf, mainThread: isMainThread, forced });
    if ("why" in result) return result;
    const why = await whatIsWrong(tf);
    return why === null ? result : { why };
  } catch (error) {
    return { why: reasonOf(error) };
  }
}

function chosen(
  tf: TensorFlow,
  backend: TensorBackend,
  ready: Ready,
  passedOver: readonly PassedOver[],
  asked: TensorBackend | null,
): Tensors {
  const versions = { tfjs: tf.version.tfjs, ...ready.versions };
  if (backend === "cpu" && asked === null) {
    const why = passedOver.map((other) => `${other.backend}: ${other.why}`).join("; ");
    const text = `Tensors are computed by plain JavaScript, 100 times slower than other ways. Passed over: ${why}`;
    process.emitWarning(text, { type: "FlockWarning", code: "FLOCK_TENSOR_CPU" });
  }
  const choice = { backend, versions, device: ready.device, passedOver };
  tell(choice);
  return { tf, ...choice };
}

/** A worker hears what was chosen in its slots, without loading this package: it registers who hears it under this name. */
function tell(choice: TensorChoice): void {
  const key = Symbol.for("taskflock.tensorsLoaded");
  (globalThis as { [key]?: (choice: TensorChoice) => void })[key]?.(choice);
}
