// Very many workers in this process: real links to a real scheduler, and everything that a worker says, but the slots only wait. What a
// task "computes" is the number 1; how long it takes is drawn from a seed.

import { encodeValue } from "@taskflock/protocol/code";
import {
  NO_PAYLOAD,
  type PayloadRef,
  PayloadStore,
  SchedulerLink,
  type SchedulerToWorker,
  type WorkerMetrics,
} from "@taskflock/protocol/links";
import { Random } from "../simulation/random.ts";

export interface CrowdOptions {
  readonly address: string;
  readonly token: string;
  readonly workers: number;
  readonly slots: number;
  /** The shortest and the longest task, milliseconds; short ones are more frequent. */
  readonly taskMs: readonly [number, number];
  readonly seed: number;
}

type Assign = Extract<SchedulerToWorker, { t: "assign" }>;

const HEARTBEAT_MS = 1000;
const MEMORY_LIMIT = 4 * 2 ** 30;

export class Crowd {
  readonly #workers: readonly CrowdWorker[];
  readonly #heartbeats: NodeJS.Timeout;

  static async start(options: CrowdOptions): Promise<Crowd> {
    const workers = Array.from({ length: options.workers }, (_, index) => new CrowdWorker(options, index + 1));
    await Promise.all(workers.map((worker) => worker.join()));
    return new Crowd(workers);
  }

  private constructor(workers: readonly CrowdWorker[]) {
    this.#workers = workers;
    this.#heartbeats = setInterval(() => {
      for (const worker of workers) worker.beat();
    }, HEARTBEAT_MS);
  }

  /** Tasks that have finished. */
  get finished(): number {
    return this.#workers.reduce((sum, { finished }) => sum + finished, 0);
  }

  async close(): Promise<void> {
    clearInterval(this.#heartbeats);
    await Promise.all(this.#workers.map((worker) => worker.leave()));
  }
}

class CrowdWorker {
  finished = 0;
  readonly #options: CrowdOptions;
  readonly #name: string;
  readonly #random: Random;
  readonly #payloads: PayloadStore = new PayloadStore();
  readonly #queue: Assign[] = [];
  readonly #timers: Set<NodeJS.Timeout> = new Set();
  #link: SchedulerLink<"worker", "toWorker"> | null = null;

  constructor(options: CrowdOptions, number: number) {
    this.#options = options;
    this.#name = `crowd-${String(number).padStart(4, "0")}`;
    this.#random = new Random(options.seed + number);
  }

  async join(): Promise<void> {
    const { address, token, slots } = this.#options;
    this.#link = await SchedulerLink.open<"worker", "toWorker">({
      address,
      token,
      up: "worker",
      down: "toWorker",
      hello: {
        role: "worker",
        worker: {
          ...{ name: this.#name, incarnation: this.#name, nanny: false, pid: process.pid, slots, resources: {} },
          ...{ memoryLimitBytes: MEMORY_LIMIT, peerAddress: "" },
        },
      },
      payloads: this.#payloads,
      reconnectMs: 0,
      onMessages: (messages) => {
        for (const message of messages) this.#hear(message);
      },
      onUp: () => {
        const nothing = { holds: [], tasks: [], functions: [], expects: [], equipment: [] };
        this.#link?.send({ t: "snapshot", ...nothing });
      },
      onDown: () => undefined,
      onGone: () => undefined,
    });
  }

  beat(): void {
    this.#link?.send({ t: "heartbeat", metrics: this.#metrics() });
  }

  async leave(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#link?.close();
  }

  #metrics(): WorkerMetrics {
    const busy = this.#timers.size / this.#options.slots;
    return {
      cpuPercent: 100 * this.#timers.size * (0.8 + 0.2 * this.#random.next()),
      rssBytes: Math.round(MEMORY_LIMIT * (0.1 + 0.5 * busy * this.#random.next())),
      ...{ arenaBytes: 0, arenaUsedBytes: 0, spilledBytes: 0, spillCount: 0, resumedFetches: 0, damagedParts: 0 },
      eventLoopDelayMs: this.#random.next() * 5,
      gpus: [],
    };
  }

  #hear(message: SchedulerToWorker): void {
    if (message.t === "assign") {
      this.#queue.push(message);
      this.#fill();
    } else if (message.t === "stop") this.#stop(message);
    else if (message.t === "leave") void this.leave();
    for (const ref of payloadsOf(message)) this.#payloads.free(ref);
  }

  #stop({ task, attempt, why }: Extract<SchedulerToWorker, { t: "stop" }>): void {
    const at = this.#queue.findIndex((queued) => queued.task === task && queued.attempt === attempt);
    if (at < 0) return; // it runs, and its outcome will come
    this.#queue.splice(at, 1);
    this.#link?.send({ t: "stopped", task, attempt, why });
  }

  #fill(): void {
    while (this.#timers.size < this.#options.slots) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#run(next);
    }
  }

  #run({ task, attempt }: Assign): void {
    const [shortest, longest] = this.#options.taskMs;
    const ms = this.#random.skewed(shortest, longest);
    this.#link?.send({ t: "started", task, attempt });
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.finished++;
      const result = this.#payloads.put(one);
      const durationUs = ms * 1000;
      this.#link?.send({ t: "finished", task, attempt, bytes: one.length, result, version: 0, durationUs });
      this.#payloads.free(result);
      this.#fill();
    }, ms);
    this.#timers.add(timer);
  }
}

const one: Uint8Array = encodeValue(1).toBytes();

function payloadsOf(message: SchedulerToWorker): PayloadRef[] {
  const refs = message.t === "assign" ? [message.args, ...message.inputs.map(({ inline }) => inline)] : [];
  if (message.t === "function") refs.push(message.code);
  return refs.filter((ref) => ref !== NO_PAYLOAD);
}
