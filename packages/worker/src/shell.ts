// The worker's shell: it turns what happens (frames, outcomes, transfers, time) into events of the machine, and does what the
// machine asks for.
import {
  type Assign,
  type Cause,
  type Equip,
  type Finished,
  FlockError,
  type FunctionId,
  type GearFailure,
  type Holder,
  type Micros,
  NO_PAYLOAD,
  type PayloadRef,
  type PayloadStore,
  type SchedulerToWorker,
  type SendFunction,
  type TaskId,
  type Welcome,
  type WhyMissing,
  type WorkerToScheduler,
} from "@taskflock/protocol";
import type { Logger } from "pino";
import type { Place } from "./arena.ts";
import type { WorkerEquipment } from "./equipment.ts";
import type { FunctionLibrary } from "./function-library.ts";
import { LineLimiter, LOG_BYTES_PER_SECOND } from "./line-limiter.ts";
import type { RunItem, WorkerEvent, WorkerMachine, WorkerPort } from "./machine/index.ts";
import { Reports } from "./reports.ts";
import type { SlotFailure } from "./slot/failure.ts";
import type { OutcomeRecord } from "./slot/outbox.ts";
import type { StopReason } from "./slot/protocol.ts";
import type { SlotEvents } from "./slots/slot-events.ts";
import type { Slots } from "./slots/slots.ts";
import type { Store } from "./store.ts";
import type { TransferEvents, Transfers } from "./transfers.ts";

type Happening = WorkerEvent extends infer E ? (E extends WorkerEvent ? Omit<E, "at" | "cause"> : never) : never;

/** A happening gets its time and cause when it is processed; a copy would cost as much as a tiny task. */
type Stamped = Happening & { at: Micros; cause: Cause };

export interface ShellParts {
  readonly machine: WorkerMachine;
  readonly slots: Slots;
  readonly transfers: Transfers;
  readonly equipment: WorkerEquipment;
}

export interface ShellContext {
  readonly payloads: PayloadStore;
  readonly store: Store;
  readonly functions: FunctionLibrary;
  readonly logger: Logger;
  /** The machine has let everything go. `restart`: the worker is to be started again. */
  left(restart: boolean): void;
  /** The worker cannot go on. */
  failed(error: unknown): void;
  /** Somebody waits at the scheduler to be served by this relay. */
  relay(key: string): void;
  /** Starts to sample the slots, or ends that and tells what was sampled. Never rejects. */
  profile(intervalUs: number): Promise<void>;
  /** The worker should be replaced by a planned stop. */
  replace(reason: string): void;
}

/** Where a log line belongs that no task printed. */
const NO_TASK = { task: 0 as TaskId, attempt: 1 as Assign["attempt"] } as const;

export class WorkerShell implements WorkerPort, SlotEvents, TransferEvents {
  readonly #context: ShellContext;
  readonly #queue: Happening[] = [];
  /** Told by a slot, and not by this shell yet. */
  #finished: { readonly slot: number; readonly items: Finished[] } = { slot: 0, items: [] };
  readonly #reports: Reports = new Reports((task, attempt, data) => this.#sendReport(task, attempt, data));
  readonly #logs: LineLimiter = new LineLimiter(LOG_BYTES_PER_SECOND, () => performance.now());
  #parts: ShellParts | null = null;
  #send: ((message: WorkerToScheduler) => number) | null = null;
  /** The frame in which the last snapshot travels. */
  #snapshotFrame = 0;
  #stepping = false;
  #closed = false;
  #cause = 0;
  #inlineLimitBytes = 0;
  #worker = "";
  #alarm: NodeJS.Timeout | null = null;
  #lastLog: { readonly task: TaskId; readonly attempt: Assign["attempt"] } | null = null;

  constructor(context: ShellContext) {
    this.#context = context;
  }

  use(parts: ShellParts): void {
    this.#parts = parts;
  }

  /** The link is there (`send` says in which frame a message travels); what happened before is processed now. */
  connect(send: (message: WorkerToScheduler) => number): void {
    this.#send = send;
    this.#drain();
  }

  close(): void {
    this.#closed = true;
    if (this.#alarm !== null) clearTimeout(this.#alarm);
    this.#reports.close();
    this.#queue.length = 0;
  }

  // ---- what happens

  linkUp(welcome: Welcome): void {
    this.#inlineLimitBytes = welcome.inlineLimitBytes;
    this.#worker = welcome.name;
    const { resumed, received, inlineLimitBytes } = welcome;
    if (!resumed) this.#snapshotFrame = 0;
    this.#reports.linkUp(!resumed);
    this.#dispatch({ e: "linkUp", fresh: !resumed, inlineLimitBytes, snapshotPending: received < this.#snapshotFrame });
  }

  linkDown(): void {
    this.#reports.linkDown();
    this.#dispatch({ e: "linkDown" });
  }

  messages(messages: readonly SchedulerToWorker[]): void {
    this.#dispatch({ e: "schedulerMessages", messages });
  }

  retire(reason: string): void {
    this.#dispatch({ e: "retireWanted", reason });
  }

  itemStarted(slot: number, { task, attempt }: Assign): void {
    this.#dispatch({ e: "itemStarted", slot, task, attempt });
  }

  itemFinished(slot: number, { task, attempt }: Assign, record: OutcomeRecord): void {
    const { bytes, durationUs } = record;
    if (this.#reports.any) this.#reports.ended(task);
    const result = this.#context.payloads.putSlice(record.source, record.start, record.end);
    this.#finish(slot, { t: "finished", task, attempt, bytes, result, version: 0, durationUs });
  }

  itemStored(slot: number, { task, attempt }: Assign, place: Place, durationUs: number): void {
    this.#context.store.put(task, place);
    if (this.#reports.any) this.#reports.ended(task);
    const bytes = place.length;
    this.#finish(slot, { t: "finished", task, attempt, bytes, result: NO_PAYLOAD, version: 0, durationUs });
    this.outcomesTold();
  }

  outcomesTold(): void {
    const { slot, items } = this.#finished;
    if (items.length === 0 || this.#closed) return;
    this.#finished = { slot, items: [] };
    this.#queue.push({ e: "itemsFinished", slot, items });
    this.#drain();
  }

  itemFailed(slot: number, { task, attempt }: Assign, failed: SlotFailure, durationUs: number): void {
    const { code, name, message, retryable } = failed;
    if (this.#reports.any) this.#reports.ended(task);
    const errorBytes = failed.error.length;
    const error = errorBytes === 0 ? NO_PAYLOAD : this.#context.payloads.put(failed.error);
    const failure = { code, name, message, error, errorBytes };
    this.#dispatch({ e: "itemFailed", slot, task, attempt, failure, retryable, durationUs });
  }

  itemReturned(slot: number, { task, attempt }: Assign): void {
    this.#dispatch({ e: "itemReturned", slot, task, attempt });
  }

  inputSpoiled(slot: number, { task, attempt, inputs }: Assign, index: number): void {
    const input = inputs[index]!.task;
    this.#context.logger.warn({ task: input }, "a result in a file cannot be read; it is made again");
    this.#dispatch({ e: "inputSpoiled", slot, task, attempt, input });
  }

  /** The same, noticed while others fetched it. */
  spoiled(task: TaskId, error: unknown): void {
    this.#context.logger.warn({ task, err: error }, "a result in a file cannot be read; it is made again");
    this.#dispatch({ e: "spoiled", task });
  }

  pausing(paused: boolean, reason: string): void {
    this.#context.logger.warn({ paused, reason }, paused ? "the worker is paused" : "the worker goes on");
    this.#dispatch({ e: "pausing", paused, reason });
  }

  batchDone(slot: number): void {
    this.#dispatch({ e: "batchDone", slot });
  }

  slotReplaced(slot: number): void {
    this.#dispatch({ e: "slotReplaced", slot });
  }

  stuck(slot: number): void {
    this.#context.replace(`slot ${slot} is held by native code that cannot be ended`);
  }

  broken(slot: number, error: unknown): void {
    this.#context.failed(
      new FlockError("FLOCK_INTERNAL", `Slot ${slot} cannot be started again: ${String(error)}`, { cause: error }),
    );
  }

  log(task: number, attempt: number, stream: "stdout" | "stderr", text: string): void {
    const from = { task: task as TaskId, attempt: attempt as Assign["attempt"] };
    this.#lastLog = from;
    const passed = this.#logs.admit(text);
    if (passed !== "") this.#send?.({ t: "log", ...from, stream, text: passed });
  }

  report(task: number, attempt: number, data: Uint8Array): void {
    if (!this.#closed) this.#reports.add(task as TaskId, attempt as Assign["attempt"], data);
  }

  #sendReport(task: TaskId, attempt: Assign["attempt"], bytes: Uint8Array): void {
    if (this.#send === null) return;
    const data = this.#context.payloads.put(bytes);
    this.#send({ t: "report", task, attempt, data, dataBytes: bytes.length });
    this.#context.payloads.free(data);
  }

  /** The worker's own words: of no task. */
  ownLine(text: string): void {
    const passed = this.#closed ? "" : this.#logs.admit(text);
    if (passed !== "") this.#send?.({ t: "log", ...NO_TASK, stream: "stderr", text: passed });
  }

  /** Says how many lines were dropped, if any; now and then. */
  logNotice(): void {
    const notice = this.#logs.takeNotice();
    if (notice !== "" && this.#lastLog !== null) {
      this.#send?.({ t: "log", ...this.#lastLog, stream: "stderr", text: notice });
    }
  }

  fetched(task: TaskId, bytes: number): void {
    this.#dispatch({ e: "fetched", task, bytes });
  }

  fetchFailed(task: TaskId, holder: Holder, full: boolean, why: WhyMissing, error: unknown): void {
    this.#context.logger.debug({ task, holder: holder.address, why, err: error }, "an input could not be fetched");
    this.#dispatch({ e: "fetchFailed", task, holder, full, why });
  }

  uploaded(task: TaskId, bytes: number): void {
    this.#dispatch({ e: "uploaded", task, bytes });
  }

  uploadFailed(task: TaskId, { code, message }: FlockError): void {
    this.#dispatch({ e: "uploadFailed", task, message, code });
  }

  // ---- what the machine asks for

  toScheduler(message: WorkerToScheduler): void {
    // The link copies payload bytes during the call, so that `free` may follow at once.
    const frame = this.#send?.(message);
    if (message.t === "snapshot") this.#snapshotFrame = frame ?? 0;
  }

  run(slot: number, items: readonly RunItem[]): void {
    this.#parts?.slots.run(slot, items, { worker: this.#worker, inlineLimitBytes: this.#inlineLimitBytes });
  }

  abortItem(slot: number, task: TaskId, reason: StopReason): void {
    if (this.#parts?.slots.abort(slot, task, reason) === true) this.#dispatch({ e: "itemDeaf", slot, task });
  }

  tell(slot: number, task: TaskId, attempt: Assign["attempt"], data: PayloadRef): void {
    this.#parts?.slots.tell(slot, task, attempt, this.#context.payloads.get(data).slice());
  }

  retiring(on: boolean): void {
    this.#parts?.slots.retiring(on);
  }

  endSlot(slot: number, reason: StopReason): void {
    this.#parts?.slots.end(slot, reason);
  }

  closeSlot(slot: number): void {
    this.#parts?.slots.closeSlot(slot);
  }

  pin(slot: number, devices: readonly number[]): void {
    this.#parts?.slots.pin(slot, devices);
  }

  fetch(task: TaskId, _bytes: number, holder: Holder): void {
    this.#parts?.transfers.fetch(task, holder);
  }

  stopFetch(task: TaskId): void {
    this.#parts?.transfers.stopFetch(task);
  }

  serveRelay(key: string): void {
    this.#context.relay(key);
  }

  expectUpload(task: TaskId, bytes: number): void {
    this.#parts?.transfers.expect(task, bytes);
  }

  dropStored(task: TaskId): void {
    this.#parts?.transfers.unexpect(task);
    this.#context.store.drop(task);
  }

  free(payload: PayloadRef): void {
    if (payload !== NO_PAYLOAD) this.#context.payloads.free(payload);
  }

  defineFunction({ fn, name, code }: SendFunction): void {
    this.#context.functions.add(fn, name, this.#context.payloads.get(code));
  }

  forgetFunction(fn: FunctionId): void {
    this.#context.functions.forget(fn);
  }

  configure(inlineLimitBytes: number): void {
    this.#inlineLimitBytes = inlineLimitBytes;
  }

  equipped(gear: number, part: number, slots: number, failure: GearFailure | null): void {
    this.#dispatch({ e: "equipped", gear, part, slots, failure });
  }

  equip(message: Equip): void {
    this.#parts?.equipment.equip(message, this.#worker);
  }

  unequip(gear: number): void {
    this.#parts?.equipment.unequip(gear);
  }

  profile(intervalUs: number): void {
    void this.#context.profile(intervalUs);
  }

  wakeAt(at: Micros | null): void {
    if (this.#alarm !== null) clearTimeout(this.#alarm);
    this.#alarm = null;
    if (at === null) return;
    const ms = Math.min(2 ** 31 - 1, Math.max(0, Math.ceil((at - nowUs()) / 1000)));
    this.#alarm = setTimeout(() => this.#dispatch({ e: "woken" }), ms);
  }

  leave(restart: boolean): void {
    this.#context.left(restart);
  }

  // ---- the one way into the machine

  /** Items that finished become one event, as long as they are of one slot and nothing else happens. */
  #finish(slot: number, item: Finished): void {
    if (this.#finished.slot !== slot) {
      this.outcomesTold();
      this.#finished = { slot, items: [] };
    }
    this.#finished.items.push(item);
  }

  /** What the machine's own calls cause comes after the step that made them. */
  #dispatch(happening: Happening): void {
    if (this.#closed) return;
    this.outcomesTold();
    this.#queue.push(happening);
    this.#drain();
  }

  #drain(): void {
    if (this.#stepping || this.#send === null || this.#parts === null) return;
    this.#stepping = true;
    try {
      for (let at = 0; at < this.#queue.length; at++) {
        const event = this.#queue[at] as Stamped;
        event.at = nowUs();
        event.cause = ++this.#cause as Cause;
        this.#parts.machine.step(event as WorkerEvent);
      }
      this.#queue.length = 0;
    } catch (error) {
      this.#context.failed(error);
    } finally {
      this.#stepping = false;
    }
  }
}

function nowUs(): Micros {
  return Math.floor(performance.now() * 1000) as Micros;
}
