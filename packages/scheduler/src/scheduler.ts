// The scheduler's shell: connections in, events to the machine, messages out.

import { randomUUID } from "node:crypto";
import {
  type Admission,
  type ClusterInfo,
  FlockError,
  formatAddress,
  type Hello,
  LinkServer,
  type NannyToScheduler,
  oneToken,
  PayloadStore,
  type Resume,
  type SessionId,
  type StreamAdmission,
  type Traffic,
  type WorkerHello,
  type WorkerId,
} from "@taskflock/protocol/links";
import { Driver, now } from "./driver.ts";
import { IdleWatch } from "./idle-watch.ts";
import { defaultSchedulerConfig, isObservation, type SchedulerConfig } from "./machine/index.ts";
import { MetricsReader, type MetricsText } from "./metrics-text.ts";
import { type CompleteSchedulerOptions, completeOptions, ownVersion, type SchedulerOptions } from "./options.ts";
import { ClientParty, Party, uniqueName, WorkerParty } from "./parties.ts";
import { RecordingWriter } from "./recording.ts";
import { Relays } from "./relays.ts";

export interface RunningScheduler {
  /** host:port for clients and workers. */
  readonly address: string;
  readonly port: number;
  /** Random, one per scheduler process. */
  readonly id: string;
  /** Rejects when the machine found itself in a state that must not be; never resolves otherwise. The process should end then. */
  readonly failed: Promise<never>;
  /** Resolves, with a line for people, when nobody used the cluster for `idleTimeoutMs` and the workers have left. The process should end then. */
  readonly idle: Promise<string>;
  clusterInfo(): ClusterInfo;
  /** As Prometheus reads them. */
  metrics(): Promise<MetricsText>;
  retireWorkers(names: readonly string[]): void;
  close(): Promise<void>;
}

/** Starts to listen. Rejects with FLOCK_PORT_IN_USE, FLOCK_ADDRESS_INVALID, FLOCK_INSECURE or FLOCK_OPTION_INVALID. */
export async function startScheduler(options: SchedulerOptions): Promise<RunningScheduler> {
  const scheduler = new Scheduler(completeOptions(options));
  try {
    await scheduler.listen();
  } catch (error) {
    await scheduler.close(); // the recording's file is open already
    throw error;
  }
  return scheduler;
}

/** How long workers may take to leave before a cluster that nobody uses ends without them, milliseconds. */
const IDLE_LEAVING_MS = 2_000;

const NO_TRAFFIC: Traffic = { receivedMessages: 0, receivedBytes: 0, sentMessages: 0, sentBytes: 0 };

class Scheduler implements RunningScheduler {
  readonly id: string = randomUUID();
  readonly failed: Promise<never>;
  readonly idle: Promise<string>;
  readonly #options: CompleteSchedulerOptions;
  readonly #config: SchedulerConfig;
  readonly #payloads: PayloadStore = new PayloadStore();
  readonly #driver: Driver;
  readonly #metrics: MetricsReader;
  readonly #relays: Relays;
  readonly #clients: Map<number, ClientParty> = new Map();
  readonly #workers: Map<number, WorkerParty> = new Map();
  #lastSession = 0;
  #lastWorker = 0;
  #server: LinkServer | null = null;
  #fail: (error: unknown) => void = () => undefined;
  #sayIdle: (reason: string) => void = () => undefined;
  #leftIdle: () => void = () => undefined;
  #idleTimer: NodeJS.Timeout | null = null;

  constructor(options: CompleteSchedulerOptions) {
    this.#options = options;
    const { dashboard } = options;
    const facts = { id: this.id, version: ownVersion(), pid: process.pid, startedAtMs: Date.now(), dashboard };
    this.#config = { ...defaultSchedulerConfig, ...options.config, facts };
    this.failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    this.idle = new Promise((resolve) => {
      this.#sayIdle = resolve;
    });
    this.failed.catch(() => undefined); // whoever started us may not look
    this.#relays = new Relays({
      max: options.maxRelays,
      tell: (worker, key) => this.#workers.get(worker)?.link?.send({ t: "relay", key }),
    });
    const { recordFile: file, logger } = options;
    const recordingFailed = (err: unknown): void =>
      logger.error({ err, file }, "the recording cannot be written; it ends");
    const recording = file === null ? null : new RecordingWriter(file, this.#config, recordingFailed);
    this.#driver = new Driver(this.#config, this.#outputs(), recording);
    this.#metrics = new MetricsReader({
      machine: this.#driver.machine,
      payloads: this.#payloads,
      steps: () => this.#driver.steps,
      traffic: () => this.#server?.traffic ?? NO_TRAFFIC,
      relays: () => this.#relays.counts,
    });
  }

  get port(): number {
    return this.#server?.port ?? this.#options.port;
  }

  get address(): string {
    return formatAddress(this.#options.host, this.port);
  }

  async listen(): Promise<void> {
    const { host, port, token, maxFrameBytes } = this.#options;
    this.#server = await LinkServer.listen({
      host,
      port,
      authenticator: oneToken(token),
      maxFrameBytes,
      payloads: this.#payloads,
      admit: (hello) => this.#admit(hello),
    });
    this.#watchIdleness();
  }

  /** Once nobody has used the cluster for long, the workers leave; they have nothing that anybody waits for. */
  #watchIdleness(): void {
    const { idleTimeoutMs } = this.#options;
    if (idleTimeoutMs === 0) return;
    const { machine } = this.#driver;
    const watch = new IdleWatch(idleTimeoutMs, () => {
      const { waiting, queued, assigned, running } = machine.taskCounts();
      return { transitions: machine.transitions(), unfinished: waiting + queued + assigned + running };
    });
    this.#idleTimer = setInterval(() => {
      if (!watch.isOver(performance.now())) return;
      clearInterval(this.#idleTimer ?? undefined);
      this.#driver.happen({ e: "idleTimeout", afterMs: idleTimeoutMs });
      const reason = `no task was there to be done for ${idleTimeoutMs} ms`;
      this.#idleTimer = setTimeout(() => this.#sayIdle(reason), IDLE_LEAVING_MS);
      this.#leftIdle = () => this.#workers.size === 0 && this.#sayIdle(reason);
      this.#leftIdle();
    }, watch.everyMs);
  }

  clusterInfo(): ClusterInfo {
    return this.#driver.machine.clusterInfo();
  }

  metrics(): Promise<MetricsText> {
    return this.#metrics.read();
  }

  retireWorkers(workers: readonly string[]): void {
    this.#driver.happen({ e: "retireWorkers", workers });
  }

  async close(): Promise<void> {
    clearInterval(this.#idleTimer ?? undefined);
    this.#driver.stop();
    this.#metrics.close();
    this.#relays.close();
    for (const party of [...this.#clients.values(), ...this.#workers.values()]) party.forget();
    await this.#server?.close();
  }

  #outputs(): ConstructorParameters<typeof Driver>[1] {
    return {
      toWorker: (id, message) => {
        const worker = this.#workers.get(id);
        if (worker === undefined) return;
        if (message.t === "leave") worker.leaving = true;
        worker.link?.send(message);
      },
      toClient: (session, message) => this.#clients.get(session)?.link?.send(message),
      closeWorker: (id) => this.#workers.get(id)?.link?.close(),
      free: (payload) => this.#payloads.free(payload),
      failed: (error) => {
        this.#options.logger.fatal({ err: error }, "the scheduler's machine is in a state that must not be; it stops");
        this.#fail(error);
      },
    };
  }

  #admit(hello: Hello): Admission | StreamAdmission {
    switch (hello.role) {
      case "client":
        return this.#admitClient(hello.name, hello.observer, hello.resume) as unknown as Admission;
      case "worker":
        return this.#admitWorker(hello.worker, hello.resume) as unknown as Admission;
      case "nanny":
        return this.#admitNanny(hello.name) as unknown as Admission;
      case "relay":
        return this.#admitRelay(hello.side, hello.key);
      case "peer":
        throw new FlockError(
          "FLOCK_FORBIDDEN",
          "This is the scheduler's port; data is fetched from the workers' peer ports.",
        );
    }
  }

  // ------------------------------------------------------------------ clients

  #admitClient(name: string, observer: boolean, resume: Resume | null): Admission<"client", "toClient"> {
    const known = resume === null ? undefined : this.#clients.get(resume.id);
    const resumed = resume !== null && known?.mayResume(resume) === true;
    const client: ClientParty = resumed && known ? known : new ClientParty(++this.#lastSession, name, observer);
    const session = client.id as SessionId;
    return {
      welcome: this.#welcome(client, resumed),
      up: "client",
      down: "toClient",
      silentMs: this.#options.clientSilentMs,
      attach: (link) => {
        this.#clients.set(session, client);
        client.connect(link);
        const joined = { e: "clientJoined", session, name, ...(client.isObserver ? { observer: true } : {}) } as const;
        this.#driver.happen(resumed ? { e: "clientResumed", session } : joined);
        this.#say(client, { session, name, peer: link.peer, resumed }, "client connected");
        return {
          onMessages: (messages) => {
            if (client.isObserver && !messages.every(isObservation)) {
              link.refuse(
                new FlockError("FLOCK_FORBIDDEN", `${name} said that it only asks, and then asked for work.`),
              );
              this.#clientGone(client, "it said that it only asks, and did more");
            }
            this.#driver.hearClient(session, messages);
            if (!messages.some(({ t }) => t === "goodbye")) return;
            this.#clientGone(client, "said goodbye");
            link.close(); // who says goodbye, and stays, is not heard any more
          },
          onBlocked: () => this.#driver.happen({ e: "clientBlocked", session }),
          onReady: () => this.#driver.happen({ e: "clientReady", session }),
          onClosed: (how) => {
            if (client.link !== link || this.#clients.get(session) !== client) return;
            this.#driver.happen({ e: "clientCut", session });
            client.disconnect(this.#options.sessionReconnectMs, () => this.#clientGone(client, how));
          },
        };
      },
    };
  }

  #clientGone(client: ClientParty, how: string): void {
    if (!this.#clients.delete(client.id)) return;
    client.forget();
    this.#driver.happen({ e: "clientGone", session: client.id as SessionId });
    this.#say(client, { session: client.id, name: client.name, how }, "client gone");
  }

  /** Those who only look on come and go as they like. */
  #say(client: ClientParty, facts: object, text: string): void {
    this.#options.logger[client.isObserver ? "debug" : "info"](facts, text);
  }

  // ------------------------------------------------------------------ workers

  #admitWorker(hello: WorkerHello, resume: Resume | null): Admission<"worker", "toWorker"> {
    const known = resume === null ? undefined : this.#workers.get(resume.id);
    const resumed = resume !== null && known?.mayResume(resume) === true;
    const worker = resumed && known ? known : this.#newWorker(hello);
    const id = worker.id as WorkerId;
    return {
      welcome: this.#welcome(worker, resumed),
      up: "worker",
      down: "toWorker",
      silentMs: this.#options.silentMs,
      attach: (link) => {
        this.#workers.set(id, worker);
        worker.connect(link);
        this.#driver.happen(
          resumed
            ? { e: "workerResumed", worker: id }
            : {
                e: "workerJoined",
                worker: id,
                hello: { ...hello, name: worker.name },
                relayKey: this.#relays.keyFor(id),
              },
        );
        this.#relays.workerUp(id);
        this.#options.logger.info(
          { worker: worker.name, peer: hello.peerAddress, slots: hello.slots, resumed },
          "worker joined",
        );
        return {
          onMessages: (messages) => this.#driver.hearWorker(id, messages),
          // What a worker gets is bounded by what its slots can use.
          onBlocked: () => undefined,
          onReady: () => undefined,
          onClosed: (how) => {
            if (worker.link !== link || !this.#workers.has(id)) return;
            if (worker.leaving) return this.#workerLost(worker, how);
            this.#driver.happen({ e: "workerCut", worker: id });
            worker.disconnect(this.#options.workerReconnectMs, () => this.#workerLost(worker, how));
          },
        };
      },
    };
  }

  #newWorker(hello: WorkerHello): WorkerParty {
    const taken = new Set([...this.#workers.values()].map(({ name }) => name));
    return new WorkerParty(++this.#lastWorker as WorkerId, uniqueName(hello.name, taken), hello.incarnation);
  }

  #workerLost(worker: WorkerParty, how: string): void {
    if (!this.#workers.delete(worker.id)) return;
    worker.forget();
    this.#relays.workerGone(worker.id as WorkerId);
    worker.link?.cut();
    this.#driver.happen({ e: "workerLost", worker: worker.id as WorkerId, how, planned: worker.leaving });
    const facts = { worker: worker.name, how };
    if (worker.leaving) this.#options.logger.info(facts, "worker left");
    else this.#options.logger.warn(facts, "worker lost");
    this.#leftIdle();
  }

  // ------------------------------------------------------------------ nannies

  #admitNanny(name: string): Admission<"nanny", "toWorker"> {
    return {
      welcome: this.#welcome(new Party<never, never>(0, name), false),
      up: "nanny",
      down: "toWorker",
      silentMs: this.#options.silentMs,
      attach: () => ({
        onMessages: (messages) => {
          for (const message of messages) this.#childExited(message);
        },
        onBlocked: () => undefined,
        onReady: () => undefined,
        onClosed: () => undefined,
      }),
    };
  }

  // ------------------------------------------------------------------ relays

  #admitRelay(side: "reader" | "holder", key: string): StreamAdmission {
    return {
      welcome: this.#welcome(new Party<never, never>(0, ""), false),
      stream: (ends) => (side === "reader" ? this.#relays.read(key, ends) : this.#relays.hold(key, ends)),
    };
  }

  #childExited({ incarnation, how }: NannyToScheduler): void {
    for (const worker of this.#workers.values()) {
      if (worker.incarnation === incarnation) this.#workerLost(worker, how);
    }
  }

  #welcome(party: Party<never, never> | ClientParty | WorkerParty, resumed: boolean): Admission["welcome"] {
    return {
      scheduler: this.id,
      id: party.id,
      name: party.name,
      secret: party.secret,
      resumed,
      received: party.received,
      creditBytes: this.#options.creditBytes,
      admissionBytes: this.#config.admissionBytes,
      inlineLimitBytes: this.#config.inlineLimitBytes,
      now: now(),
    };
  }
}
