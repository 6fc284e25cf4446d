// TensorFlow itself, by its binding for Node: on the GPU, or on all cores of the CPU.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { loadNative } from "../install/native-load.ts";
import { nativeModule } from "../install/native-module.ts";
import type { TensorFlow } from "../types.ts";
import { type Attempt, onlyInProcesses, type Ready, type Refusal, useBackend } from "./attempt.ts";

/** What tfjs-node's backend tells about itself. */
interface NativeBackend {
  readonly isUsingGpuDevice?: boolean;
  readonly binding?: { readonly TF_Version?: string };
}

type Versions = Readonly<Record<string, string>>;

/** Of what was loaded: engines come back to it after another backend. */
const versionsOf: WeakMap<object, Versions> = new WeakMap();

export const tryNodeGpu: Attempt = async ({ tf, mainThread }) => {
  if (!mainThread) return { why: onlyInProcesses };
  const hidden = whyNoGpu(process.env["CUDA_VISIBLE_DEVICES"]);
  if (hidden !== null) return { why: hidden };
  const loaded = isLoaded(tf) ? await started(tf, versionsOf.get(tf.engine())) : await start(tf, true);
  if ("why" in loaded) return loaded;
  if (backendOf(tf).isUsingGpuDevice === true) return loaded;
  return { why: "TensorFlow sees no GPU: check nvidia-smi, and that the driver is new enough for its CUDA" };
};

export const tryNode: Attempt = async ({ tf, mainThread }) => {
  if (!mainThread) return { why: onlyInProcesses };
  // The GPU's binding, where it found no GPU, computes on the CPU just as well. Two of them in one process would clash.
  return isLoaded(tf) ? started(tf, versionsOf.get(tf.engine())) : start(tf, false);
};

function isLoaded(tf: TensorFlow): boolean {
  return tf.engine().registryFactory["tensorflow"] !== undefined;
}

/** Why there cannot be a GPU, without loading hundreds of megabytes that would find the same. */
function whyNoGpu(visible: string | undefined): string | null {
  if (visible === "" || visible === "-1") return "CUDA_VISIBLE_DEVICES hides all GPUs";
  if (process.platform === "darwin") return "TensorFlow has no GPU build for macOS";
  if (process.platform !== "linux") return null;
  const devices = existsSync("/dev/dxg") || readdirSync("/dev").some((name) => /^nvidia\d+$/.test(name));
  return devices ? null : "this machine has no NVIDIA GPU (no /dev/nvidia0)";
}

async function start(tf: TensorFlow, gpu: boolean): Promise<Ready | Refusal> {
  const found = nativeModule(gpu);
  if ("why" in found) return found;
  // Else the first process takes all of the GPU's memory. TensorFlow reads these when it is loaded.
  process.env["TF_FORCE_GPU_ALLOW_GROWTH"] ??= "true";
  // Its convolutions by oneDNN are 10 times slower for filters as wide as the image, as text models have them, and hardly
  // quicker for others. It also prints that it is on.
  process.env["TF_ENABLE_ONEDNN_OPTS"] ??= "0";
  loadNative(found, tf);
  versionsOf.set(tf.engine(), found.versions);
  return started(tf, found.versions);
}

async function started(tf: TensorFlow, versions: Versions = {}): Promise<Ready | Refusal> {
  const why = await useBackend(tf, "tensorflow");
  if (why !== null) return { why };
  const { binding, isUsingGpuDevice } = backendOf(tf);
  const tensorflow = binding?.TF_Version;
  const all = tensorflow === undefined ? versions : { ...versions, tensorflow };
  return { versions: all, device: isUsingGpuDevice === true ? (gpuName() ?? "GPU") : null };
}

function backendOf(tf: TensorFlow): NativeBackend {
  return tf.findBackend("tensorflow") as NativeBackend;
}

function gpuName(): string | null {
  const { status, stdout } = spawnSync(
    "nvidia-smi",
    ["--query-gpu=name", "--format=csv,noheader", ...visibleDevice()],
    {
      encoding: "utf8",
      timeout: 10_000,
    },
  );
  return status === 0 ? stdout.split("\n")[0]?.trim() || null : null;
}

/** Of several GPUs the one that this process may use. */
function visibleDevice(): string[] {
  const first = process.env["CUDA_VISIBLE_DEVICES"]?.split(",")[0];
  return first ? ["-i", first] : [];
}
