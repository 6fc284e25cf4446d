// What `taskflock gpu` looks at: the devices, what would compute with tensors here, and how fast.
import type { PassedOver, TensorBackend, TensorChoice, TensorFlow } from "@taskflock/tensors";
import { aboutGpus, type GpuReport } from "@taskflock/worker";
import { columns, formatBytes } from "./format.ts";

export interface GpuCheck extends Omit<GpuReport, "trouble" | "there"> {
  /** Tensors are computed on a GPU here. */
  readonly available: boolean;
  /** Null where there are none: `tensorsError` says why. */
  readonly tensors: TensorChoice | null;
  readonly tensorsError: string | null;
  readonly product: Product | null;
  /** What to do where no GPU computes. */
  readonly advice: readonly string[];
}

/** Of two square matrices. */
interface Product {
  readonly size: number;
  readonly milliseconds: number;
  readonly gflops: number;
}

/** Never rejects. */
export async function checkGpu(): Promise<GpuCheck> {
  const { trouble: _trouble, there: _there, ...report } = await aboutGpus();
  const { tf, ...loaded } = await loadChoice();
  const available = loaded.tensors !== null && loaded.tensors.device !== null;
  const product = tf === null ? null : await timeProduct(tf);
  return { ...report, available, ...loaded, product, advice: available ? [] : adviceOf(report, loaded.tensors) };
}

interface Loaded {
  readonly tf: TensorFlow | null;
  readonly tensors: TensorChoice | null;
  readonly tensorsError: string | null;
}

async function loadChoice(): Promise<Loaded> {
  try {
    const { loadTensors } = await import("@taskflock/tensors");
    const { tf, backend, versions, device, passedOver } = await loadTensors();
    return { tf, tensors: { backend, versions, device, passedOver }, tensorsError: null };
  } catch (error) {
    return { tf: null, tensors: null, tensorsError: error instanceof Error ? error.message : String(error) };
  }
}

const SIZES = [256, 512, 1024, 2048, 4096, 8192] as const;
/** One that takes so long says enough. */
const ENOUGH_MS = 100;

/** Ever larger ones until one takes a while; null where not even the smallest can be computed. */
async function timeProduct(tf: TensorFlow): Promise<Product | null> {
  let last: Product | null = null;
  for (const size of SIZES) {
    try {
      last = await productOf(tf, size);
    } catch {
      return last; // the device has no room for it
    }
    if (last.milliseconds > ENOUGH_MS) break;
  }
  return last;
}

async function productOf(tf: TensorFlow, size: number): Promise<Product> {
  const matrix = tf.randomUniform([size, size]);
  const multiply = async (): Promise<void> => {
    // Only a number that is read back is sure to have been computed.
    const corner = tf.tidy(() => tf.matMul(matrix as never, matrix as never).slice([0, 0], [1, 1]));
    await corner.data();
    corner.dispose();
  };
  try {
    await multiply(); // the first one also compiles, and makes room
    const begun = performance.now();
    await multiply();
    const milliseconds = performance.now() - begun;
    return { size, milliseconds, gflops: (2 * size ** 3) / milliseconds / 1e6 };
  } finally {
    matrix.dispose();
  }
}

function adviceOf({ gpus }: Pick<GpuReport, "gpus">, tensors: TensorChoice | null): string[] {
  if (gpus.length === 0) {
    return [
      "To use a GPU of NVIDIA: install its driver, or start the container with its GPUs (docker run --gpus all), until nvidia-smi lists it here; then: taskflock tensorflow install --gpu",
    ];
  }
  if (tensors === null) {
    return ["To use the GPU: npm install @tensorflow/tfjs, then: taskflock tensorflow install --gpu"];
  }
  const over = tensors.passedOver.find(({ backend }) => backend === "node-gpu");
  return over === undefined
    ? [
        `The backend ${tensors.backend} was asked for (TASKFLOCK_TENSOR_BACKEND); without that the GPU would be tried first.`,
      ]
    : [`The GPU is not used for tensors: ${over.why}. To build what uses it: taskflock tensorflow install --gpu`];
}

/** For a terminal. */
export async function formatGpuCheck(check: GpuCheck): Promise<string> {
  const { available, gpus, why, driver, cuda, product, advice } = check;
  const rows: string[][] = [["GPU available", available ? "yes: tensors are computed on it" : "no"]];
  if (gpus.length === 0) rows.push(["Devices", `none: ${why}`]);
  for (const gpu of gpus) rows.push([`Device ${gpu.device}`, `${gpu.name}${memoryOf(gpu)}`]);
  if (driver !== null) rows.push(["Driver", cuda === null ? driver : `${driver}, for CUDA up to ${cuda}`]);
  rows.push(["Tensors", await tensorsOf(check)]);
  if (product !== null) rows.push(["Matrix product", sayProduct(product)]);
  const passedOver = passedOverLines(check.tensors?.passedOver ?? []);
  return [...columns(rows), ...passedOver, ...advice.flatMap((line) => ["", line])].join("\n");
}

function memoryOf({ memoryTotalBytes: total, memoryFreeBytes: free }: GpuReport["gpus"][number]): string {
  if (total === null) return "";
  return `, ${formatBytes(total)}${free === null ? "" : ` (${formatBytes(free)} free)`}`;
}

async function tensorsOf({ tensors, tensorsError }: GpuCheck): Promise<string> {
  if (tensors === null) return `none: ${tensorsError}`;
  const { describeChoice } = await import("@taskflock/tensors");
  return describeChoice({ ...tensors, passedOver: [] }).replace(/^tensors: /, "");
}

function sayProduct({ size, milliseconds, gflops }: Product): string {
  const speed = gflops >= 100 ? Math.round(gflops).toLocaleString("en") : rounded(gflops);
  return `${size} × ${size} by ${size} × ${size} in ${rounded(milliseconds)} ms: ${speed} GFLOP/s`;
}

function rounded(value: number): string {
  return value >= 10 ? String(Math.round(value)) : value.toPrecision(2);
}

function passedOverLines(passedOver: readonly PassedOver[]): string[] {
  if (passedOver.length === 0) return [];
  const row = ({ backend, why }: { backend: TensorBackend; why: string }): string[] => ["", backend, why];
  return ["", "Better backends that were passed over:", ...columns(passedOver.map(row))];
}
