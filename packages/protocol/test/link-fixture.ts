// A real server and real links on free ports, and a way to wait for what happens without sleeping.

import { connect, createServer, type Server, type Socket } from "node:net";
import {
  type Admission,
  type Directions,
  type FlockError,
  type Hello,
  LinkServer,
  type LinkServerOptions,
  oneToken,
  PayloadStore,
  SchedulerLink,
  type SchedulerLinkOptions,
  type ServerLink,
  type Welcome,
} from "../src/index.ts";

export const TOKEN = "the right token";

/** Keeps what happened, in order; `until` resolves once `enough` is true of it. */
export class Log<T> {
  readonly entries: T[] = [];
  readonly #waiting: { enough: (entries: readonly T[]) => boolean; resolve: () => void }[] = [];

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

  count(many: number): Promise<void> {
    return this.until((entries) => entries.length >= many);
  }
}

export interface Session {
  readonly id: number;
  readonly secret: string;
  received: number;
  link: ServerLink<"client", "toClient"> | null;
}

/** A server that keeps sessions as a scheduler does, and logs what clients say. */
export class TestServer {
  readonly payloads: PayloadStore = new PayloadStore();
  readonly log: Log<{ session: number; message: Directions["client"] }> = new Log();
  readonly events: Log<string> = new Log();
  readonly sessions: Session[] = [];
  forget = false;
  server!: LinkServer;

  static async start(options: Partial<LinkServerOptions> & { creditBytes?: number } = {}): Promise<TestServer> {
    const test = new TestServer();
    test.server = await LinkServer.listen({
      host: "127.0.0.1",
      port: 0,
      authenticator: oneToken(TOKEN),
      payloads: test.payloads,
      admit: (hello) => test.#admit(hello, options.creditBytes ?? 2 ** 20),
      ...options,
    });
    return test;
  }

  get address(): string {
    return `127.0.0.1:${this.server.port}`;
  }

  #admit(hello: Hello, creditBytes: number): Admission {
    const resume = hello.role === "client" ? hello.resume : null;
    const known = this.forget
      ? undefined
      : this.sessions.find((one) => one.id === resume?.id && one.secret === resume.secret);
    const session = known ?? {
      id: this.sessions.length + 1,
      secret: `secret ${this.sessions.length}`,
      received: 0,
      link: null,
    };
    if (known === undefined) this.sessions.push(session);
    else if (known.link !== null) {
      known.received = known.link.received;
      known.link.cut();
    }
    const { id, secret, received } = session;
    const admission: Admission<"client", "toClient"> = {
      welcome: {
        ...{ scheduler: "test", id, name: "name", secret, resumed: known !== undefined, received },
        ...{ creditBytes, admissionBytes: 2 ** 20 },
        ...{ inlineLimitBytes: 4096, now: 1 as never },
      },
      up: "client",
      down: "toClient",
      silentMs: 60_000,
      attach: (link) => {
        session.link = link;
        this.events.add(`attached ${id}`);
        return {
          onMessages: (messages) => {
            for (const message of messages) this.log.add({ session: id, message });
          },
          onBlocked: () => this.events.add(`blocked ${id}`),
          onReady: () => this.events.add(`ready ${id}`),
          onClosed: (how) => {
            session.received = link.received;
            session.link = null;
            this.events.add(`closed ${id}: ${how}`);
          },
        };
      },
    };
    return admission as unknown as Admission;
  }
}

export type ClientLink = SchedulerLink<"client", "toClient">;

export interface TestClient {
  readonly link: ClientLink;
  readonly payloads: PayloadStore;
  readonly messages: Log<Directions["toClient"]>;
  /** `up`, `up again`, `up anew`, `down`, `gone CODE`. */
  readonly events: Log<string>;
  readonly gone: { error: FlockError | null };
}

export async function connectClient(
  address: string,
  options: Partial<SchedulerLinkOptions<"client", "toClient">> = {},
): Promise<TestClient> {
  const payloads = new PayloadStore();
  const messages = new Log<Directions["toClient"]>();
  const events = new Log<string>();
  const gone: { error: FlockError | null } = { error: null };
  let first = true;
  const link = await SchedulerLink.open({
    ...{ address, token: TOKEN, up: "client", down: "toClient", payloads, reconnectMs: 10_000 },
    hello: { role: "client", name: "test" },
    onMessages: (batch) => {
      for (const message of batch) messages.add(message);
    },
    onUp: (welcome: Welcome) => {
      events.add(first ? "up" : welcome.resumed ? "up again" : "up anew");
      first = false;
    },
    onDown: () => events.add("down"),
    onGone: (error) => {
      gone.error = error;
      events.add(`gone ${error.code}`);
    },
    ...options,
  });
  return { link, payloads, messages, events, gone };
}

/** A TCP relay whose connections a test can cut or let hang. */
export class Relay {
  readonly #server: Server;
  /** Port that new connections go to. */
  target: number;
  readonly sockets: Set<Socket> = new Set();
  /** Called with each chunk from client to server; what it returns is passed on. */
  filter: (chunk: Buffer, socket: Socket) => Buffer = (chunk) => chunk;
  /** Called with each chunk from server to client. */
  answers: (chunk: Buffer) => Buffer = (chunk) => chunk;

  static async start(target: number): Promise<Relay> {
    const relay = new Relay(target);
    await new Promise<void>((done) => relay.#server.listen(0, "127.0.0.1", done));
    return relay;
  }

  private constructor(target: number) {
    this.target = target;
    this.#server = createServer((near) => {
      const far = connect(this.target, "127.0.0.1");
      for (const socket of [near, far]) {
        this.sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          this.sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.on("data", (chunk) => far.write(this.filter(chunk, near)));
      far.on("data", (chunk) => near.write(this.answers(chunk)));
    });
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}
