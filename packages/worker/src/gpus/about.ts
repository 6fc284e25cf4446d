// All that a person wants to know of the GPUs of this machine.
import { type FoundGpus, findGpus, type Gpu } from "./find.ts";
import { askNvidiaSmi, numberIn, rowsOf } from "./nvidia-smi.ts";

const MEBIBYTE = 1024 ** 2;

export interface GpuDetails extends Gpu {
  /** Null: nvidia-smi does not tell, as of a part of a device. */
  readonly memoryTotalBytes: number | null;
  readonly memoryFreeBytes: number | null;
}

export interface GpuReport extends Omit<FoundGpus, "gpus"> {
  readonly gpus: readonly GpuDetails[];
  /** Versions of the driver, and of the newest CUDA that it takes. */
  readonly driver: string | null;
  readonly cuda: string | null;
}

/** Never rejects. */
export async function aboutGpus(): Promise<GpuReport> {
  const found = await findGpus();
  if (found.gpus.length === 0) return { ...found, gpus: [], driver: null, cuda: null };
  const query = "--query-gpu=index,name,memory.total,memory.free,driver_version";
  const [about, head] = await Promise.all([
    askNvidiaSmi([query, "--format=csv,noheader,nounits"]).answer,
    askNvidiaSmi([]).answer,
  ]);
  const rows = about.ok ? rowsOf(about.text) : [];
  const memory = (gpu: Gpu, column: number): number | null => {
    const mebibytes = gpu.isPart ? null : numberIn(rows.find(([number]) => number === gpu.number)?.[column]);
    return mebibytes === null ? null : mebibytes * MEBIBYTE;
  };
  return {
    ...found,
    gpus: found.gpus.map((gpu) => ({ ...gpu, memoryTotalBytes: memory(gpu, 2), memoryFreeBytes: memory(gpu, 3) })),
    driver: rows[0]?.[4] ?? null,
    cuda: head.ok ? (/CUDA Version:\s*(\d[\d.]*)/.exec(head.text)?.[1] ?? null) : null,
  };
}
