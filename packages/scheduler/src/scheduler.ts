// The scheduler's shell: connections in, events to the machine, messages out.

import { randomUUID } from "node:crypto";
import {
  type Admission,
  type Authenticator,
  type ClusterInfo,
  FlockError,
  forbidden,
  formatAddress,
  type Hello,
  helloRights,
  type Identity,
  LinkServer,
  may,
  oneToken,
  PayloadStore,
  type StreamAdmission,
  type Traffic,
  withWorkerToken,
} from "@taskflock/protocol/links";
import { Clients } from "./admission/clients.ts";
import { type Ground, welcomeFor } from "./admission/ground.ts";
import { Workers } from "./admission/workers.ts";
import { AuditLog, audited } from "./audit-log.ts";
import { Driver } from "./driver.ts";
import { IdleWatch } from "./idle-watch.ts";
import { defaultSchedulerConfig } from "./machine/index.ts";
import { MetricsReader, type MetricsText } from "./metrics-text.ts";
import { type CompleteSchedulerOptions, completeOptions, ownVersion, type SchedulerOptions } from "./options.ts";
import { Party } from "./parties.ts";
import { RecordingWriter } from "./recording.ts";
import { Relays } from "./relays.ts";
import { UsersAuthenticator } from "./users/users-authenticator.ts";

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
  /** Who is behind a token. */
  readonly authenticator: Authenticator;
  /** Null: none is kept. */
  readonly audit: AuditLog | null;
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
  readonly authenticator: Authenticator;
  readonly audit: AuditLog | null;
  readonly #options: CompleteSchedulerOptions;
  readonly #payloads: PayloadStore = new PayloadStore();
  readonly #driver: Driver;
  readonly #metrics: MetricsReader;
  readonly #relays: Relays;
  readonly #users: UsersAuthenticator | null;
  readonly #ground: Ground;
  readonly #clients: Clients;
  readonly #workers: Workers;
  #server: LinkServer | null = null;
  #fail: (error: unknown) => void = () => undefined;
  #sayIdle: (reason: string) => void = () => undefined;
  #leftIdle: () => void = () => undefined;
  #idleTimer: NodeJS.Timeout | null = null;

  constructor(options: CompleteSchedulerOptions) {
    this.#options = options;
    const { dashboard } = options;
    const facts = { id: this.id, version: ownVersion(), pid: process.pid, startedAtMs: Date.now(), dashboard };
    const config = { ...defaultSchedulerConfig, ...options.config, facts };
    const { token, workerToken, usersFile, auditLog, logger } = options;
    this.#users = usersFile === null ? null : new UsersAuthenticator({ file: usersFile, token, logger });
    const known = this.#users ?? oneToken(token);
    this.authenticator = workerToken === null ? known : withWorkerToken(known, workerToken);
    this.audit = auditLog === null ? null : new AuditLog(auditLog, logger);
    this.failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    this.idle = new Promise((resolve) => {
      this.#sayIdle = resolve;
    });
    this.failed.catch(() => undefined); // whoever started us may not look
    this.#relays = new Relays({
      max: options.maxRelays,
      tell: (worker, key) => this.#workers.send(worker, { t: "relay", key }),
    });
    const { recordFile: file } = options;
    const recordingFailed = (err: unknown): void =>
      logger.error({ err, file }, "the recording cannot be written; it ends");
    const recording = file === null ? null : new RecordingWriter(file, config, recordingFailed);
    this.#driver = new Driver(config, this.#outputs(), recording);
    this.#ground = { id: this.id, options, config, driver: this.#driver, audit: this.audit };
    this.#clients = new Clients(this.#ground, (payload) => this.#payloads.free(payload));
    this.#workers = new Workers(this.#ground, this.#relays);
    this.#workers.onGone = () => this.#leftIdle();
    this.authenticator.onRevoked((users) => {
      this.#clients.revoke(users);
      this.#workers.revoke(users);
    });
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
    const { host, port, certificate, maxFrameBytes } = this.#options;
    this.#server = await LinkServer.listen({
      host,
      port,
      authenticator: audited(this.authenticator, this.audit, (name) => this.#users?.has(name) === true),
      certificate,
      maxFrameBytes,
      payloads: this.#payloads,
      admit: (hello, who, from) => this.#admit(hello, who, from),
      trouble: (err) => this.#options.logger.error({ err }, "a token could not be checked"),
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
      this.#leftIdle = () => this.#workers.count === 0 && this.#sayIdle(reason);
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
    this.#clients.forgetAll();
    this.#workers.forgetAll();
    await this.#server?.close();
    this.#users?.close();
    await this.audit?.close();
  }

  #outputs(): ConstructorParameters<typeof Driver>[1] {
    return {
      toWorker: (id, message) => this.#workers.send(id, message),
      toClient: (session, message) => this.#clients.send(session, message),
      closeWorker: (id) => this.#workers.close(id),
      free: (payload) => this.#payloads.free(payload),
      failed: (error) => {
        this.#options.logger.fatal({ err: error }, "the scheduler's machine is in a state that must not be; it stops");
        this.#fail(error);
      },
    };
  }

  #admit(hello: Hello, who: Identity, address: string): Admission | StreamAdmission {
    const right = helloRights[hello.role];
    if (right === null) {
      const text = "This is the scheduler's port; data is fetched from the workers' peer ports.";
      throw new FlockError("FLOCK_FORBIDDEN", text);
    }
    if (!may(who.role, right)) {
      this.audit?.write({ who, address, session: null, action: "forbidden", what: { connect: hello.role } });
      throw forbidden(who, `connect as a ${hello.role === "nanny" ? "worker" : hello.role}`, right);
    }
    switch (hello.role) {
      case "client":
        return this.#clients.admit(hello.name, hello.observer, hello.resume, who) as unknown as Admission;
      case "worker":
        return this.#workers.admit(hello.worker, hello.resume, who) as unknown as Admission;
      case "nanny":
        return this.#workers.admitNanny(hello.name, who) as unknown as Admission;
      default:
        return this.#admitRelay(hello as Extract<Hello, { role: "relay" }>, who);
    }
  }

  #admitRelay({ side, key }: Extract<Hello, { role: "relay" }>, who: Identity): StreamAdmission {
    return {
      welcome: welcomeFor(this.#ground, new Party<never, never>(0, "", who), false),
      stream: (ends) => (side === "reader" ? this.#relays.read(key, ends) : this.#relays.hold(key, ends)),
    };
  }
}
