// Slots with real threads and processes, and a list of what they tell.
import { randomUUID } from "node:crypto";
import {
  type Assign,
  type Attempt,
  BulkClient,
  decodeValue,
  encodeFunctionDescription,
  encodeValue,
  type FunctionDescription,
  type FunctionId,
  type LeafOf,
  NO_CA,
  NO_PAYLOAD,
  PayloadStore,
  type TaskId,
  type WorkerId,
} from "@taskflock/protocol";
import { pino } from "pino";
import { Arena, type Place } from "../src/arena.ts";
import { FunctionLibrary } from "../src/function-library.ts";
import { Groups } from "../src/groups/groups.ts";
import type { RunItem } from "../src/machine/index.ts";
import { IN_FILE } from "../src/slot/batch.ts";
import type { SlotFailure } from "../src/slot/failure.ts";
import { payloadOf } from "../src/slot/outbox.ts";
import type { SlotEvents } from "../src/slots/slot-events.ts";
import { Slots, type SlotsOptions } from "../src/slots/slots.ts";
import { SpillFolder } from "../src/spill/spill-folder.ts";
import { Store } from "../src/store.ts";
import { plainFunction } from "./plain-function.ts";

export interface Told {
  readonly what:
    | "started"
    | "finished"
    | "stored"
    | "failed"
    | "returned"
    | "report"
    | "spoiled"
    | "free"
    | "replaced"
    | "stuck"
    | "broken"
    | "log";
  readonly task?: number;
  /** Of what finished or was stored. */
  readonly value?: unknown;
  readonly failure?: SlotFailure;
  readonly text?: string;
  readonly stream?: string;
}

export interface Wanted {
  readonly task: number;
  /** The text of a plain function, or a description. */
  readonly fn: string | FunctionDescription;
  /** Leaves for inputs are made by `input(index)`. */
  readonly args?: unknown;
  /** Functions to which leaves in the arguments refer by their place here. */
  readonly functions?: readonly FunctionDescription[];
  readonly leaf?: LeafOf;
  /** Tasks whose stored bytes are inputs. */
  readonly inputs?: readonly number[];
  /** By index of the input: the place in the batch of the item whose result it is, or -1. */
  readonly links?: readonly number[];
  readonly isolation?: "thread" | "process";
  readonly timeoutMs?: number;
}

class InputMark {
  readonly index: number;
  constructor(index: number) {
    this.index = index;
  }
}

/** Stands in `args` for the input of that index. */
export function input(index: number): unknown {
  return new InputMark(index);
}

export class Harness {
  readonly arena: Arena;
  readonly store: Store;
  readonly payloads: PayloadStore = new PayloadStore();
  readonly functions: FunctionLibrary = new FunctionLibrary();
  readonly slots: Slots;
  readonly told: Told[] = [];
  readonly #waiting: { when: (told: Told) => boolean; resolve: (told: Told) => void }[] = [];
  readonly #functionIds: Map<string, FunctionId> = new Map();

  constructor(options: Partial<SlotsOptions> & { arenaBytes?: number } = {}) {
    this.arena = new Arena({ limitBytes: options.arenaBytes ?? 256 * 1024 * 1024 });
    const folder = options.spillFolder === undefined ? null : new SpillFolder(options.spillFolder, randomUUID());
    this.store = new Store(this.arena, { folder });
    this.slots = new Slots(
      {
        incarnation: randomUUID(),
        address: "127.0.0.1:1",
        trust: NO_CA,
        token: "none",
        slots: 1,
        heapLimitMb: 0,
        cacheBytes: 64 * 1024 * 1024,
        checkArguments: false,
        ...options,
        spillFolder: folder?.path ?? "",
        ...{ filesFolder: "", name: "w", preload: [], devices: [] },
      },
      {
        arena: this.arena,
        store: this.store,
        payloads: this.payloads,
        functions: this.functions,
        groups: new Groups(new BulkClient({ key: () => "none" }), { address: () => "", worker: () => 0 as WorkerId }),
        events: this.#events(),
        tensorsLoaded: () => undefined,
        logger: pino({ level: "silent" }),
      },
    );
  }

  /** Keeps a value in the arena under the task. */
  keep(task: number, value: unknown): void {
    const encoded = encodeValue(value);
    const place = this.arena.allocate(encoded.bytes);
    if (place === null) throw new Error("no room");
    encoded.writeTo(this.arena.view(place), 0);
    this.store.put(task as TaskId, place);
  }

  run(items: readonly Wanted[], slot = 0): void {
    this.slots.run(
      slot,
      items.map((item, index) => this.#item(item, index === 0)),
      { worker: "tester", inlineLimitBytes: 4096 },
    );
  }

  /** The next thing that is told, or was told and not waited for yet, of this kind (and task). */
  next(what: Told["what"], task?: number): Promise<Told> {
    const when = (told: Told): boolean => told.what === what && (task === undefined || told.task === task);
    const index = this.told.findIndex(when);
    if (index >= 0) return Promise.resolve(this.told.splice(index, 1)[0]!);
    return new Promise((resolve) => this.#waiting.push({ when, resolve }));
  }

  /** Runs one task to its end; the slot is free again. */
  async outcome(item: Wanted): Promise<Told> {
    this.run([item]);
    await this.next("free");
    const index = this.told.findIndex(
      ({ task, what }) => task === item.task && what !== "log" && what !== "report" && what !== "started",
    );
    return this.told.splice(index, 1)[0]!;
  }

  logs(task: number): string[] {
    return this.told.filter((told) => told.what === "log" && told.task === task).map((told) => told.text ?? "");
  }

  #item(item: Wanted, running: boolean): RunItem {
    const { task, fn, args = [], inputs = [], functions = [], isolation = "thread", timeoutMs = 0 } = item;
    const encoded = encodeValue(args, {
      leaf: (value, path) =>
        value instanceof InputMark ? { kind: "future", index: value.index } : item.leaf?.(value, path),
    });
    const assign: Assign = {
      t: "assign",
      task: task as TaskId,
      attempt: 1 as Attempt,
      key: `task-${task}`,
      fn: this.#function(fn),
      functions: functions.map((inner) => this.#function(inner)),
      args: this.payloads.put(encoded.toBytes()),
      argsBytes: encoded.bytes,
      inputs: inputs.map((held) => ({ task: held as TaskId, bytes: 0, inline: NO_PAYLOAD, holders: [] })),
      order: 0,
      timeoutMs,
      cancelGraceMs: 0,
      isolation,
      solo: false,
      expectedUs: 0,
      gpu: 0,
    };
    return { assign, inline: inputs.map(() => NO_PAYLOAD), links: item.links ?? [], running };
  }

  #function(fn: string | FunctionDescription): FunctionId {
    const description = typeof fn === "string" ? plainFunction(`return (${fn});`) : fn;
    const known = this.#functionIds.get(description.hash);
    if (known !== undefined) return known;
    const id = (this.#functionIds.size + 1) as FunctionId;
    this.#functionIds.set(description.hash, id);
    this.functions.add(id, description.name, encodeFunctionDescription(description));
    return id;
  }

  #tell(told: Told): void {
    const index = this.#waiting.findIndex(({ when }) => when(told));
    if (index < 0) this.told.push(told);
    else this.#waiting.splice(index, 1)[0]!.resolve(told);
  }

  #events(): SlotEvents {
    return {
      itemStarted: (_slot, { task }) => this.#tell({ what: "started", task }),
      itemFinished: (_slot, { task }, record) =>
        this.#tell({ what: "finished", task, value: decodeValue(payloadOf(record).slice(), { copy: true }) }),
      itemStored: (_slot, { task }, place: Place) => {
        const value = place.segment === IN_FILE ? "in a file" : decodeValue(this.arena.view(place));
        this.store.put(task, place);
        this.#tell({ what: "stored", task, value });
      },
      itemFailed: (_slot, { task }, failure) => this.#tell({ what: "failed", task, failure }),
      outcomesTold: () => undefined,
      inputSpoiled: (_slot, { task }, index) => this.#tell({ what: "spoiled", task, value: index }),
      itemReturned: (_slot, { task }) => this.#tell({ what: "returned", task }),
      batchDone: () => this.#tell({ what: "free" }),
      slotReplaced: () => this.#tell({ what: "replaced" }),
      report: (task, _attempt, data) => this.#tell({ what: "report", task, value: decodeValue(data, { copy: true }) }),
      log: (task, _attempt, stream, text) => this.#tell({ what: "log", task, stream, text }),
      stuck: () => this.#tell({ what: "stuck" }),
      broken: (_slot, error) => this.#tell({ what: "broken", text: String(error) }),
    };
  }
}
