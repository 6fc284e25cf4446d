// The scheduler's end of the links, over real sockets: it keeps what workers say, and says what a test wants.
import {
  type Admission,
  type Attempt,
  type Directions,
  encodeFunctionDescription,
  encodeValue,
  type FunctionDescription,
  type FunctionId,
  type Hello,
  LinkServer,
  NO_PAYLOAD,
  oneToken,
  PayloadStore,
  type SchedulerToWorker,
  type ServerLink,
  type TaskId,
} from "@taskflock/protocol";
import { plainFunction } from "./plain-function.ts";

export const TOKEN = "the right token";

type FromWorker = Directions["worker"] | Directions["nanny"];

export interface Said {
  /** The name in the hello. */
  readonly who: string;
  readonly message: FromWorker;
}

interface Session {
  readonly id: number;
  readonly name: string;
  readonly secret: string;
  received: number;
  link: ServerLink<"worker", "toWorker"> | null;
}

export class FakeScheduler {
  readonly payloads: PayloadStore = new PayloadStore();
  readonly said: Said[] = [];
  readonly hellos: Hello[] = [];
  /** Of workers and nannies, open now. */
  links = 0;
  /** When true, workers that come back are not known. */
  forgets = false;
  readonly #sessions: Session[] = [];
  readonly #waiting: { when: (said: Said) => boolean; resolve: (said: Said) => void }[] = [];
  #server!: LinkServer;

  static async start(port = 0): Promise<FakeScheduler> {
    const scheduler = new FakeScheduler();
    scheduler.#server = await LinkServer.listen({
      host: "127.0.0.1",
      port,
      authenticator: oneToken(TOKEN),
      payloads: scheduler.payloads,
      admit: (hello) => scheduler.#admit(hello),
    });
    return scheduler;
  }

  get address(): string {
    return `127.0.0.1:${this.#server.port}`;
  }

  get peerKey(): string {
    return this.#server.peerKey;
  }

  get port(): number {
    return this.#server.port;
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  /** The next message of this kind that was not waited for yet. */
  async next<T extends FromWorker["t"]>(who: string, t: T, task?: number): Promise<Extract<FromWorker, { t: T }>> {
    const when = ({ who: name, message }: Said): boolean =>
      name === who && message.t === t && (task === undefined || ("task" in message && message.task === task));
    const index = this.said.findIndex(when);
    const said =
      index >= 0
        ? this.said.splice(index, 1)[0]!
        : await new Promise<Said>((resolve) => this.#waiting.push({ when, resolve }));
    return said.message as Extract<FromWorker, { t: T }>;
  }

  send(name: string, message: SchedulerToWorker): void {
    this.#session(name).link?.send(message);
  }

  /** Cuts the worker's connection, as a network does. */
  cut(name: string): void {
    const session = this.#session(name);
    session.received = session.link?.received ?? 0;
    session.link?.cut();
  }

  define(name: string, fn: number, code: string | FunctionDescription): void {
    const description = typeof code === "string" ? plainFunction(`return (${code});`) : code;
    const bytes = encodeFunctionDescription(description);
    const payload = this.payloads.put(bytes);
    const { hash } = description;
    this.send(name, { t: "function", fn: fn as FunctionId, hash, name: "f", code: payload, codeBytes: bytes.length });
    this.payloads.free(payload);
  }

  /** Assigns a task; `inputs` are tasks with the workers that hold them. */
  assign(
    name: string,
    task: number,
    fn: number,
    args: readonly unknown[],
    more: Partial<Extract<SchedulerToWorker, { t: "assign" }>> = {},
  ): void {
    const bytes = encodeValue(args, {
      leaf: (value) => (value instanceof InputMark ? { kind: "future", index: value.index } : undefined),
    }).toBytes();
    const payload = this.payloads.put(bytes);
    this.send(name, {
      t: "assign",
      task: task as TaskId,
      attempt: 1 as Attempt,
      key: `task-${task}`,
      fn: fn as FunctionId,
      functions: [],
      args: payload,
      argsBytes: bytes.length,
      inputs: [],
      order: task,
      timeoutMs: 0,
      cancelGraceMs: 10,
      isolation: "thread",
      solo: false,
      expectedUs: 0,
      gpu: 0,
      ...more,
    });
    this.payloads.free(payload);
  }

  #session(name: string): Session {
    const session = this.#sessions.findLast((one) => one.name === name);
    if (session === undefined) throw new Error(`${name} did not come`);
    return session;
  }

  #admit(hello: Hello): Admission {
    this.hellos.push(hello);
    const name = hello.role === "worker" ? hello.worker.name : hello.role === "nanny" ? hello.name : "";
    const resume = hello.role === "worker" ? hello.resume : null;
    const known = this.forgets ? undefined : this.#sessions.find((one) => one.id === resume?.id);
    const id = this.#sessions.length + 1;
    const session: Session = known ?? { id, name, secret: "s", received: 0, link: null };
    if (known === undefined) this.#sessions.push(session);
    const admission: Admission<"worker", "toWorker"> = {
      welcome: {
        ...{ scheduler: "fake", id: session.id, name, secret: "s", resumed: known !== undefined },
        ...{
          received: session.received,
          creditBytes: 2 ** 20,
          admissionBytes: 2 ** 28,
          inlineLimitBytes: 4096,
          now: 1 as never,
        },
      },
      up: hello.role === "nanny" ? ("nanny" as "worker") : "worker",
      down: "toWorker",
      silentMs: 60_000,
      attach: (link) => {
        session.link = link;
        this.links++;
        return {
          onMessages: (messages) => this.#hear(name, messages),
          onBlocked: () => undefined,
          onReady: () => undefined,
          onClosed: () => {
            this.links--;
            session.received = link.received;
          },
        };
      },
    };
    return admission as unknown as Admission;
  }

  #hear(who: string, messages: readonly FromWorker[]): void {
    for (const message of messages) {
      const said = { who, message };
      const index = this.#waiting.findIndex(({ when }) => when(said));
      if (index < 0) this.said.push(said);
      else this.#waiting.splice(index, 1)[0]!.resolve(said);
    }
  }
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

export const NOTHING = NO_PAYLOAD;
