// A real scheduler on a free port, and clients and workers that are real links with a test behind them.

import { connect, createServer, type Server, type Socket } from "node:net";
import {
  type Directions,
  type FlockError,
  PayloadStore,
  SchedulerLink,
  type SchedulerLinkOptions,
  type TaskNumber,
  type Welcome,
} from "@taskflock/protocol";
import { pino } from "pino";
import { type RunningScheduler, type SchedulerOptions, startScheduler } from "../src/index.ts";

export const TOKEN = "the scheduler's token";
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Keeps what came, and lets a test wait for what will come. */
export class Log<T> {
  readonly entries: T[] = [];
  readonly #waiting: { readonly enough: (entries: readonly T[]) => boolean; readonly resolve: () => void }[] = [];

  add(entry: T): void {
    this.entries.push(entry);
    for (const one of [...this.#waiting]) {
      if (!one.enough(this.entries)) continue;
      this.#waiting.splice(this.#waiting.indexOf(one), 1);
      one.resolve();
    }
  }

  until(enough: (entries: readonly T[]) => boolean): Promise<void> {
    if (enough(this.entries)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ enough, resolve }));
  }

  has(entry: T): Promise<void> {
    return this.until((entries) => entries.includes(entry));
  }
}

/** Gives back what a test took, newest first. */
export class Cleanups {
  readonly #all: (() => unknown)[] = [];

  add(cleanup: () => unknown): void {
    this.#all.push(cleanup);
  }

  async run(): Promise<void> {
    for (const cleanup of this.#all.splice(0).reverse()) await cleanup();
  }
}

export async function start(cleanups: Cleanups, options: Partial<SchedulerOptions> = {}): Promise<RunningScheduler> {
  const logger = pino({ level: "silent" });
  const scheduler = await startScheduler({ port: 0, token: TOKEN, logger, ...options });
  cleanups.add(() => scheduler.close());
  return scheduler;
}

export class TestClient {
  readonly payloads: PayloadStore = new PayloadStore();
  /** `done 3 text`, `failed 3 CODE`, `answer 1 …`, `up`, `resumed`, `anew`, `down`, `gone CODE`. */
  readonly log: Log<string> = new Log();
  readonly answers: Map<number, unknown> = new Map();
  gone: FlockError | null = null;
  link!: SchedulerLink<"client", "toClient">;

  static async connect(
    cleanups: Cleanups,
    address: string,
    options: Partial<SchedulerLinkOptions<"client", "toClient">> = {},
  ): Promise<TestClient> {
    const client = new TestClient();
    client.link = await SchedulerLink.open({
      ...{ address, token: TOKEN, up: "client", down: "toClient", payloads: client.payloads, reconnectMs: 10_000 },
      hello: { role: "client", name: "test" },
      onMessages: (messages) => {
        for (const message of messages) client.#hear(message);
      },
      onUp: ({ resumed }) => client.log.add(client.log.entries.length === 0 ? "up" : resumed ? "resumed" : "anew"),
      onDown: () => client.log.add("down"),
      onGone: (error) => {
        client.gone = error;
        client.log.add(`gone ${error.code}`);
      },
      ...options,
    });
    cleanups.add(() => client.link.close());
    return client;
  }

  define(): void {
    this.#with("code", (code, codeBytes) => {
      this.link.send({ t: "function", fn: 1 as never, hash: "hash", name: "f", code, codeBytes });
    });
  }

  submit(n: number, args: string): void {
    this.#with(args, (ref, argsBytes) => {
      this.link.send({
        ...{ t: "submit", n: n as TaskNumber, fn: 1 as never, functions: [], args: ref, argsBytes, deps: [] },
        ...{ options: 0 as never, run: 0 as never, key: null, fingerprint: null },
      });
    });
  }

  release(n: number): void {
    this.link.send({ t: "release", n: n as TaskNumber });
  }

  /** Resolves when the scheduler has processed all that was sent before. */
  async ping(id: number): Promise<void> {
    this.link.send({ t: "ask", id, question: { q: "ping" } });
    await this.log.has(`answer ${id}`);
  }

  #with(text: string, send: (ref: ReturnType<PayloadStore["put"]>, bytes: number) => void): void {
    const ref = this.payloads.put(bytesOf(text));
    send(ref, bytesOf(text).length);
    this.payloads.free(ref);
  }

  #hear(message: Directions["toClient"]): void {
    if (message.t === "done")
      this.log.add(`done ${message.n} ${Buffer.from(this.payloads.get(message.result)).toString()}`);
    else if (message.t === "failed")
      this.log.add(`failed ${message.n} ${message.failure.code}: ${message.failure.message}`);
    else if (message.t === "answer") {
      this.answers.set(message.id, message.error?.code ?? message.value);
      this.log.add(`answer ${message.id}`);
    }
  }
}

export class TestWorker {
  readonly payloads: PayloadStore = new PayloadStore();
  /** `assign ARGS`, `retire`, `leave`, `up`, `resumed`, `anew`, `down`, `gone CODE`. */
  readonly log: Log<string> = new Log();
  readonly assigned: Extract<Directions["toWorker"], { t: "assign" }>[] = [];
  /** Answers what is assigned at once, with the arguments in capitals. */
  readonly eager: boolean;
  link!: SchedulerLink<"worker", "toWorker">;

  static async connect(
    cleanups: Cleanups,
    address: string,
    name: string,
    options: { readonly eager?: boolean; readonly reconnectMs?: number; readonly token?: string } = {},
  ): Promise<TestWorker> {
    const worker = new TestWorker(options.eager ?? true);
    worker.link = await SchedulerLink.open({
      ...{ address, token: options.token ?? TOKEN, up: "worker", down: "toWorker", payloads: worker.payloads },
      reconnectMs: options.reconnectMs ?? 10_000,
      hello: {
        role: "worker",
        worker: {
          ...{
            name,
            incarnation: `incarnation of ${name}`,
            nanny: true,
            pid: 1,
            slots: 1,
            resources: {},
            memoryLimitBytes: 1e9,
          },
          peerAddress: "127.0.0.1:1",
        },
      },
      onMessages: (messages) => {
        for (const message of messages) worker.#hear(message);
      },
      onUp: (welcome) => worker.#up(welcome),
      onDown: () => worker.log.add("down"),
      onGone: (error) => worker.log.add(`gone ${error.code}`),
    });
    cleanups.add(() => worker.link.close());
    return worker;
  }

  constructor(eager: boolean) {
    this.eager = eager;
  }

  finish(index: number): void {
    const { task, attempt, args } = this.assigned[index]!;
    const text = Buffer.from(this.payloads.get(args)).toString().toUpperCase();
    const result = this.payloads.put(bytesOf(text));
    this.link.send({ t: "finished", task, attempt, bytes: bytesOf(text).length, result, version: 0, durationUs: 5 });
    this.payloads.free(result);
  }

  started(index: number): void {
    const { task, attempt } = this.assigned[index]!;
    this.link.send({ t: "started", task, attempt });
  }

  #up({ resumed }: Welcome): void {
    const tasks = resumed ? this.assigned.map(({ task, attempt }) => ({ task, attempt, running: true })) : [];
    this.link.send({ t: "snapshot", holds: [], tasks, functions: [], expects: [], equipment: [] });
    this.log.add(this.log.entries.length === 0 ? "up" : resumed ? "resumed" : "anew");
  }

  #hear(message: Directions["toWorker"]): void {
    if (message.t === "assign") {
      this.assigned.push(message);
      this.log.add(`assign ${Buffer.from(this.payloads.get(message.args)).toString()}`);
      if (this.eager) this.finish(this.assigned.length - 1);
    } else this.log.add(message.t);
  }
}

/** A TCP relay whose connections a test cuts. */
export class Relay {
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();
  #open = true;

  static async start(cleanups: Cleanups, port: number): Promise<Relay> {
    const relay = new Relay(port);
    await new Promise<void>((done) => relay.#server.listen(0, "127.0.0.1", done));
    cleanups.add(() => {
      relay.cut();
      relay.#server.close();
    });
    return relay;
  }

  private constructor(port: number) {
    this.#server = createServer((near) => {
      if (!this.#open) {
        near.destroy();
        return;
      }
      const far = connect(port, "127.0.0.1");
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          this.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far);
      far.pipe(near);
    });
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Cuts all connections; new ones are refused until `heal`. */
  cut(): void {
    this.#open = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  heal(): void {
    this.#open = true;
  }
}
