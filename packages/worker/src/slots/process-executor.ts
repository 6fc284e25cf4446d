import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { FlockError } from "@taskflock/protocol";
import type { Logger } from "pino";
import { SeenFunctions } from "../function-library.ts";
import type { Seat } from "../groups/groups.ts";
import type { ProfileReport } from "../profile-tree.ts";
import { type BatchTerms, IN_FILE, type StoredInput } from "../slot/batch.ts";
import type { SlotPlugin } from "../slot/equipment.ts";
import { readRecords } from "../slot/outbox.ts";
import type { MainToSlot, SlotToMain, StopReason } from "../slot/protocol.ts";
import { publicEnvironment, slotProgram } from "../slot-program.ts";
import type { Lease } from "../store.ts";
import type { BatchPacker } from "./batch-packer.ts";
import type { Ending, Executor, ExecutorEvents, ExecutorParts, ReadyItem, ThreadOptions } from "./executor.ts";
import type { SlotSession, TaskClients } from "./task-clients.ts";

/** Which shared inputs a child holds, least recently used first; bounded by bytes, except for those of the batch at hand. */
export class KeptInputs {
  readonly #limitBytes: number;
  readonly #bytes: Map<number, number> = new Map();
  readonly #inUse: Set<number> = new Set();
  #total = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** True when the child has it already; it has it from now on. */
  use(serial: number, bytes: number): boolean {
    const has = this.#bytes.delete(serial);
    this.#bytes.set(serial, bytes);
    this.#inUse.add(serial);
    if (!has) this.#total += bytes;
    return has;
  }

  /** What the child is to let go before the batch, whose inputs have all been named. */
  trim(): number[] {
    const gone: number[] = [];
    for (const [serial, bytes] of this.#bytes) {
      if (this.#total <= this.#limitBytes) break;
      if (this.#inUse.has(serial)) continue;
      this.#bytes.delete(serial);
      this.#total -= bytes;
      gone.push(serial);
    }
    this.#inUse.clear();
    return gone;
  }
}

/** What V8 prints when a heap is full, before it aborts the process. */
const HEAP_MESSAGE = "JavaScript heap out of memory";
const KEPT_STDERR_CHARACTERS = 8192;

/** A slot's child process: copies instead of shared memory, and an end that nothing can delay. */
export class ProcessExecutor implements Executor {
  readonly ready: Promise<void>;
  begun = -1;
  heeding = -1;
  readonly #child: ChildProcess;
  readonly #events: ExecutorEvents;
  readonly #functions: SeenFunctions;
  readonly #packer: BatchPacker;
  readonly #taskClients: TaskClients;
  #session: SlotSession | null = null;
  readonly #seat: Seat;
  readonly #kept: KeptInputs;
  /** Resolves when the child is gone. */
  readonly exited: Promise<void>;
  #isDisposed: () => void = () => undefined;
  #profiled: (report: ProfileReport | null) => void = () => undefined;
  #isSampled = false;
  #stderr = "";
  /** Why it was ended at its start. */
  #unready: string | undefined;
  #ending = false;

  constructor(options: ThreadOptions, parts: ExecutorParts, events: ExecutorEvents, logger: Logger) {
    this.#events = events;
    this.#functions = new SeenFunctions(parts.functions);
    this.#packer = parts.packer;
    this.#taskClients = parts.taskClients;
    this.#seat = parts.groups.seat((say) => this.#send({ t: "group", say }));
    this.#kept = new KeptInputs(options.config.cacheBytes);
    this.#child = fork(slotProgram("process"), [], {
      env: { ...publicEnvironment(), ...options.environment },
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      execArgv: options.heapLimitMb > 0 ? [`--max-old-space-size=${options.heapLimitMb}`] : [],
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-KEPT_STDERR_CHARACTERS);
      logger.info({ slot: options.config.slot, pid: this.#child.pid }, text.trimEnd());
    });
    this.ready = this.#start(options);
    this.exited = new Promise((resolve) => {
      this.#child.once("exit", () => resolve());
      this.#child.once("error", () => resolve());
    });
  }

  run(items: readonly ReadyItem[], terms: BatchTerms): void {
    this.begun = -1;
    this.heeding = -1;
    const { worker, inlineLimitBytes } = terms;
    const memories = new Map<number, Uint8Array>();
    for (const item of items) {
      const inputs = item.inputs.map((input) =>
        typeof input === "number" || "item" in input ? input : this.#stored(input, memories),
      );
      this.#packer.add(item, inputs);
    }
    const segments = [...memories].map(([index, memory]) => ({ index, memory }));
    const [functions, forget, drop] = [this.#functions.unseen(items), this.#functions.stale(), this.#kept.trim()];
    this.#send({ t: "supplies", supplies: { worker, functions, forget, segments, drop } });
    this.#send({ t: "batch", batch: this.#packer.take(inlineLimitBytes) });
  }

  abort(_position: number, _index: number, task: number, attempt: number, reason: StopReason): void {
    this.#send({ t: "abort", task, attempt, reason });
  }

  tell(task: number, attempt: number, data: Uint8Array): void {
    this.#send({ t: "tell", task, attempt, data });
  }

  retiring(on: boolean): void {
    this.#send({ t: "retiring", on });
  }

  look(): void {
    // Outcomes arrive as messages.
  }

  skip(): void {
    // It has one batch at a time.
  }

  plug(plugin: SlotPlugin): void {
    this.#send({ t: "plug", plugin });
  }

  unplug(serial: number): void {
    this.#send({ t: "unplug", serial });
  }

  dispose(): Promise<void> {
    this.#send({ t: "dispose" });
    return new Promise((resolve) => {
      this.#isDisposed = resolve;
    });
  }

  startProfile(intervalUs: number): void {
    this.#isSampled = true;
    this.#send({ t: "profile", intervalUs });
  }

  /** Null when it has nothing to tell: it was not sampled, or it ended. May never resolve: its code does not return. */
  takeProfile(): Promise<ProfileReport | null> {
    if (!this.#isSampled) return Promise.resolve(null);
    this.#isSampled = false;
    this.#send({ t: "profile", intervalUs: 0 });
    return new Promise((resolve) => {
      this.#profiled = resolve;
      void this.exited.then(() => resolve(null));
    });
  }

  async end(): Promise<void> {
    this.#ending = true;
    this.#events.gone();
    this.#seat.end("was stopped, and its slot with it");
    this.#child.kill("SIGKILL");
    await this.exited;
    this.#taskClients.over(this.#session);
  }

  async #start(options: ThreadOptions): Promise<void> {
    const child = this.#child;
    child.on("message", (message) => this.#receive(message as SlotToMain));
    // `close` comes after the channel's last message, `exit` may not.
    child.once("close", (code, signal) => this.#closed(code, signal));
    child.once("error", () => undefined);
    this.#send({ t: "start", config: options.config });
    const said = await Promise.race([readiness(child), once(child, "close").then(() => null)]);
    if (said?.t === "unready") {
      this.#unready = said.message;
      child.kill("SIGKILL");
      throw new FlockError("FLOCK_PRELOAD_FAILED", said.message);
    }
    if (said === null) {
      throw new FlockError("FLOCK_INTERNAL", `A process slot did not start: ${this.#stderr.trim() || "no message"}`);
    }
  }

  /** The child keeps copies of shared inputs, so that each is sent once. */
  #stored({ place, bytes }: Lease, segments: Map<number, Uint8Array>): StoredInput {
    const serial = place.generation;
    if (place.segment === IN_FILE) return { serial, segment: IN_FILE, offset: 0, bytes: place.length };
    if (!this.#kept.use(serial, bytes.length)) segments.set(serial, bytes);
    return { serial, segment: serial, offset: 0, bytes: bytes.length };
  }

  #receive(message: SlotToMain): void {
    if (this.#ending) return;
    switch (message.t) {
      case "profiled":
        this.#profiled(message.report);
        break;
      case "heeds":
        this.heeding = message.index;
        break;
      case "begun":
        this.begun = message.index;
        break;
      case "records":
        readRecords(message.records, (record) => this.#events.outcome(record));
        this.#events.outcomesTold();
        break;
      case "allocate": {
        const place = this.#events.allocate(message.index, message.bytes);
        this.#send({ t: "place", index: message.index, place, memory: null });
        break;
      }
      case "large":
        this.#events.large(message.index, message.bytes, message.durationUs);
        break;
      case "connect":
        this.#send({ t: "connection", connection: this.#taskClients.connection });
        break;
      case "tensors":
        this.#events.tensors(message.tensors);
        break;
      case "group":
        this.#seat.hear(message.say);
        break;
      case "session":
        this.#session = { id: message.id, secret: message.secret };
        break;
      case "log":
        this.#events.log(message.task, message.attempt, message.stream, message.text);
        break;
      case "report":
        this.#events.report(message.task, message.attempt, message.data);
        break;
      case "plugged":
        this.#events.plugged(message.serial, message.failure);
        break;
      case "disposed":
        this.#isDisposed();
        break;
      case "done":
        this.#events.batchDone();
        break;
      default:
        break;
    }
  }

  #send(message: MainToSlot): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  #closed(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#isDisposed();
    this.#taskClients.over(this.#session);
    const ending: Ending = this.#stderr.includes(HEAP_MESSAGE)
      ? { how: "heap" }
      : { how: "exit", what: this.#unready ?? signal ?? `exit code ${code}` };
    this.#seat.end(ending.how === "heap" ? "ran out of heap" : `ended its process (${ending.what})`);
    this.#events.gone();
    this.#events.ended(ending);
  }
}

/** What is loaded before anything else may say something before. */
function readiness(child: ChildProcess): Promise<Extract<SlotToMain, { t: "ready" | "unready" }>> {
  return new Promise((resolve) => {
    const hear = (message: unknown): void => {
      const said = message as SlotToMain;
      if (said.t !== "ready" && said.t !== "unready") return;
      child.off("message", hear);
      resolve(said);
    };
    child.on("message", hear);
  });
}
