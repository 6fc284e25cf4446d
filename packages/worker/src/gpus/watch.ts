// What the GPUs that a worker gives out do, asked now and then: the worker never waits for it.
import type { GpuMetrics } from "@taskflock/protocol";
import type { Logger } from "pino";
import type { Gpu } from "./find.ts";
import { type Asking, askNvidiaSmi, numberIn, rowsOf } from "./nvidia-smi.ts";

const ASK_MS = 5_000;
/** After it failed: it may be gone for good, and to ask is not free. */
const ASK_AGAIN_MS = 60_000;
const MEBIBYTE = 1024 ** 2;
const QUERY = ["--query-gpu=uuid,utilization.gpu,memory.used,memory.total", "--format=csv,noheader,nounits"] as const;

type Figures = Omit<GpuMetrics, "device" | "name">;
const UNKNOWN: Figures = { utilization: null, memoryUsedBytes: null, memoryTotalBytes: null };

export class GpuWatch {
  readonly #gpus: readonly Gpu[];
  readonly #logger: Logger;
  /** By UUID, as last told. */
  #figures: ReadonlyMap<string, Figures> = new Map();
  #asking: Asking | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  #complained = false;

  constructor(gpus: readonly Gpu[], logger: Logger) {
    this.#gpus = gpus;
    this.#logger = logger;
  }

  /** Without devices there is nothing to ask. */
  start(): void {
    if (this.#gpus.length > 0) void this.#look();
  }

  /** What is known of each device, in their order. */
  get figures(): readonly GpuMetrics[] {
    return this.#gpus.map(({ device, name, uuid }) => ({ device, name, ...(this.#figures.get(uuid) ?? UNKNOWN) }));
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#asking?.stop();
  }

  /** One process at a time: while one that hangs is not gone, nothing is asked. */
  async #look(): Promise<void> {
    const asking = askNvidiaSmi(QUERY);
    this.#asking = asking;
    const answer = await asking.answer;
    if (this.#closed) return;
    this.#figures = answer.ok ? figuresOf(answer.text) : new Map();
    if (!answer.ok && !this.#complained) {
      this.#complained = true;
      this.#logger.warn(`nothing is known of the GPUs' load and memory: ${answer.why}`);
    }
    await asking.gone;
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#look(), answer.ok ? ASK_MS : ASK_AGAIN_MS).unref();
  }
}

/** Rows of `QUERY`: MiB and percent. */
function figuresOf(text: string): Map<string, Figures> {
  const figures = new Map<string, Figures>();
  for (const [uuid = "", load, used, total] of rowsOf(text)) {
    const percent = numberIn(load);
    figures.set(uuid, {
      utilization: percent === null ? null : percent / 100,
      memoryUsedBytes: inBytes(numberIn(used)),
      memoryTotalBytes: inBytes(numberIn(total)),
    });
  }
  return figures;
}

function inBytes(mebibytes: number | null): number | null {
  return mebibytes === null ? null : Math.round(mebibytes * MEBIBYTE);
}
