// A real scheduler on a real port, and workers that run tasks in this process: everything crosses real sockets, and a test
// decides when a task ends, what a worker holds, and when a link is cut.

import { randomUUID } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";
import {
  type Assign,
  BulkClient,
  type BulkEarly,
  BulkServer,
  type BulkTarget,
  callOf,
  decodeFunctionDescription,
  decodeValue,
  encodeValue,
  type Failure,
  type FunctionId,
  NO_PAYLOAD,
  type PayloadRef,
  PayloadStore,
  SchedulerLink,
  type SchedulerToWorker,
  type TaskId,
} from "@taskflock/protocol";
import { type RunningScheduler, startScheduler } from "@taskflock/scheduler";
import { FunctionLoader } from "@taskflock/worker/functions";
import { pino } from "pino";
import { Client, type ClientOptions } from "../src/index.ts";

const TOKEN = "test-token";

type AnyFunction = (...args: unknown[]) => unknown;

/** Runs each task as soon as it is assigned and its inputs are here. */
export class InlineWorker {
  readonly name: string;
  /** Keys of the tasks it ran, in order. */
  readonly ran: string[] = [];
  /** Fetches that the peer port answers with "not here", while it is above zero. */
  hide = 0;
  beforeRun: (assign: Assign) => void = () => {};
  readonly #payloads: PayloadStore = new PayloadStore();
  readonly #loader: FunctionLoader = new FunctionLoader();
  readonly #functions: Map<FunctionId, ReturnType<FunctionLoader["load"]>> = new Map();
  readonly #held: Map<TaskId, Uint8Array> = new Map();
  /** Small results too: a task that was assigned ahead finds its inputs here. */
  readonly #made: Map<TaskId, Uint8Array> = new Map();
  readonly #peers: BulkClient = new BulkClient({ key: () => this.#link.welcome.peerKey });
  #turn: Promise<void> = Promise.resolve();
  readonly #expected: Map<TaskId, number> = new Map();
  readonly #announced: Map<TaskId, () => void> = new Map();
  #link!: SchedulerLink<"worker", "toWorker">;
  #bulk!: BulkServer;
  #version = 0;

  static async start(address: string, name: string): Promise<InlineWorker> {
    const worker = new InlineWorker(name);
    await worker.#start(address);
    return worker;
  }

  private constructor(name: string) {
    this.name = name;
  }

  /** How many results it holds. */
  get held(): number {
    return this.#held.size;
  }

  /** Says something on behalf of a task that runs. */
  log({ task, attempt }: Assign, text: string): void {
    this.#link.send({ t: "log", task, attempt, stream: "stdout", text });
  }

  /** Leaves without a word. */
  async close(): Promise<void> {
    this.#peers.close();
    await this.#link.close();
    await this.#bulk.close();
  }

  async #start(address: string): Promise<void> {
    this.#bulk = await BulkServer.listen({
      host: "127.0.0.1",
      port: 0,
      key: () => this.#link.welcome.peerKey,
      open: (task) => this.#open(task),
      accept: (task, bytes) => this.#accept(task, bytes),
    });
    this.#link = await SchedulerLink.open<"worker", "toWorker">({
      address,
      token: TOKEN,
      up: "worker",
      down: "toWorker",
      hello: {
        role: "worker",
        worker: {
          name: this.name,
          incarnation: randomUUID(),
          nanny: false,
          pid: process.pid,
          slots: 1,
          resources: {},
          memoryLimitBytes: 2 ** 30,
          peerAddress: `127.0.0.1:${this.#bulk.port}`,
        },
      },
      payloads: this.#payloads,
      reconnectMs: 1000,
      onMessages: (messages) => {
        for (const message of messages) this.#heard(message);
      },
      onUp: () => this.#link.send({ t: "snapshot", holds: [], tasks: [], functions: [], expects: [], equipment: [] }),
      onDown: () => {},
      onGone: () => {},
    });
  }

  #open(task: TaskId): { bytes: Uint8Array; release(): void } | null {
    const bytes = this.#held.get(task);
    if (bytes === undefined || this.hide-- > 0) return null;
    return { bytes, release: () => {} };
  }

  #accept(task: TaskId, bytes: number): BulkTarget | BulkEarly {
    if (this.#expected.get(task) !== bytes) return this.#early(task);
    const target = new Uint8Array(bytes);
    const done = (): void => {
      this.#held.set(task, target);
      this.#link.send({ t: "held", task, bytes, version: ++this.#version });
    };
    return { target, done, failed: () => {} };
  }

  /** The client may hear of its upload before this worker does. */
  #early(task: TaskId): BulkEarly {
    return {
      wait: (announced) => {
        this.#announced.set(task, announced);
        return () => void this.#announced.delete(task);
      },
    };
  }

  #expect({ task, bytes }: { readonly task: TaskId; readonly bytes: number }): void {
    this.#expected.set(task, bytes);
    const announced = this.#announced.get(task);
    this.#announced.delete(task);
    announced?.();
  }

  #heard(message: SchedulerToWorker): void {
    if (message.t === "function") this.#define(message.fn, this.#take(message.code));
    else if (message.t === "assign") this.#turn = this.#turn.then(() => this.#run(message));
    else if (message.t === "drop") this.#held.delete(message.task);
    else if (message.t === "expect") this.#expect(message);
    else if (message.t === "stop") {
      this.#link.send({ t: "stopped", task: message.task, attempt: message.attempt, why: message.why });
    } else if (message.t === "leave") void this.close();
  }

  #define(fn: FunctionId, code: Uint8Array): void {
    const loading = this.#loader.load(decodeFunctionDescription(code));
    loading.catch(() => {}); // the task that needs it fails
    this.#functions.set(fn, loading);
  }

  #take(payload: PayloadRef): Uint8Array {
    if (payload === NO_PAYLOAD) return new Uint8Array(0);
    const bytes = this.#payloads.get(payload).slice();
    this.#payloads.free(payload);
    return bytes;
  }

  async #run(assign: Assign): Promise<void> {
    const { task, attempt, key, fn, functions, args, inputs } = assign;
    const values: unknown[] = [];
    for (const input of inputs) {
      const bytes = await this.#input(input);
      if (bytes === null) {
        this.#link.send({ t: "stopped", task, attempt, why: "predecessor" });
        return;
      }
      values.push(decodeValue(bytes));
    }
    this.ran.push(key);
    this.#link.send({ t: "started", task, attempt });
    this.beforeRun(assign);
    try {
      const main = await this.#functions.get(fn)!;
      const table = await Promise.all(functions.map((number) => this.#functions.get(number)!));
      const value = decodeValue(this.#take(args), {
        leaf: (kind, index) => (kind === "future" ? values[index] : table[index]?.value),
        closure: (index, bind) => (table[index]!.value as (bind: unknown) => unknown)(bind),
      });
      const decoded = callOf(value);
      const called = (main.closure ? decoded.shift() : main.value) as AnyFunction;
      const bytes = encodeValue(await called(...decoded)).toBytes();
      this.#finish(task, attempt, bytes);
    } catch (error) {
      this.#fail(task, attempt, error);
    }
  }

  /** A copy of an input's bytes; null when the task that makes it here did not. */
  async #input({ task, inline, holders }: Assign["inputs"][number]): Promise<Uint8Array | null> {
    if (inline !== NO_PAYLOAD) return this.#take(inline);
    const here = this.#held.get(task) ?? this.#made.get(task);
    if (here !== undefined) return here.slice();
    const [holder] = holders;
    if (holder === undefined) return null;
    return this.#peers.fetch(holder.address, task, (bytes) => new Uint8Array(bytes));
  }

  #finish(task: TaskId, attempt: Assign["attempt"], bytes: Uint8Array): void {
    const small = bytes.length <= this.#link.welcome.inlineLimitBytes;
    const result = small ? this.#payloads.put(bytes) : NO_PAYLOAD;
    this.#made.set(task, bytes);
    if (!small) this.#held.set(task, bytes);
    const version = small ? 0 : ++this.#version;
    this.#link.send({ t: "finished", task, attempt, bytes: bytes.length, result, version, durationUs: 1 });
    if (small) this.#payloads.free(result);
  }

  #fail(task: TaskId, attempt: Assign["attempt"], thrown: unknown): void {
    const bytes = encodeValue([thrown, null]).toBytes();
    const error = this.#payloads.put(bytes);
    const { name, message } = thrown instanceof Error ? thrown : { name: typeof thrown, message: String(thrown) };
    const failure: Failure = { code: null, name, message, error, errorBytes: bytes.length };
    this.#link.send({ t: "errored", task, attempt, failure, retryable: true, durationUs: 1 });
    this.#payloads.free(error);
  }
}

/** A TCP port in front of another, whose connections a test can cut. */
export class Cable {
  readonly #sockets: Set<Socket> = new Set();
  #plugged = true;
  readonly #server = createServer((near) => {
    if (!this.#plugged) {
      near.destroy();
      return;
    }
    const far = connect(this.#target, "127.0.0.1");
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.pipe(other);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  });
  readonly #target: number;

  constructor(target: number) {
    this.#target = target;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const address = this.#server.address();
    return `127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  }

  /** Cuts what is connected; `plugged` says whether new connections come through. */
  cut(plugged: boolean): void {
    this.#plugged = plugged;
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut(false);
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A scheduler with workers and whatever else a test opens; `close` ends all of it. */
export class TestCluster {
  readonly scheduler: RunningScheduler;
  readonly workers: InlineWorker[] = [];
  readonly #closing: (() => Promise<unknown>)[] = [];

  static async start(workers = 1, options: Partial<Parameters<typeof startScheduler>[0]> = {}): Promise<TestCluster> {
    const logger = pino({ level: "silent" });
    const scheduler = await startScheduler({ port: 0, token: TOKEN, logger, workerReconnectMs: 0, ...options });
    const cluster = new TestCluster(scheduler);
    for (let index = 1; index <= workers; index++) await cluster.addWorker(`w${index}`);
    return cluster;
  }

  private constructor(scheduler: RunningScheduler) {
    this.scheduler = scheduler;
  }

  async addWorker(name: string): Promise<InlineWorker> {
    const worker = await InlineWorker.start(this.scheduler.address, name);
    this.workers.push(worker);
    return worker;
  }

  async connect(options: ClientOptions = {}, address: string = this.scheduler.address): Promise<Client> {
    const client = await Client.connect(address, { token: TOKEN, ...options });
    this.#closing.push(() => client.close());
    return client;
  }

  async cable(): Promise<{ cable: Cable; address: string }> {
    const cable = new Cable(this.scheduler.port);
    this.#closing.push(() => cable.close());
    return { cable, address: await cable.listen() };
  }

  async close(): Promise<void> {
    for (const close of this.#closing.reverse()) await close();
    for (const worker of this.workers) await worker.close();
    await this.scheduler.close();
  }
}
