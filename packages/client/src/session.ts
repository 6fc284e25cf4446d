// A client's session with a scheduler: it holds the link and the tables, hands every message to its table, and knows
// when and why it ended.

import { createHash } from "node:crypto";
import {
  type Allowance,
  BulkClient,
  type ClientToScheduler,
  type FlockError,
  NO_PAYLOAD,
  type PayloadRef,
  PayloadStore,
  peerAccess,
  type Resume,
  readToken,
  SchedulerLink,
  type SchedulerToClient,
  type Trust,
  type Welcome,
} from "@taskflock/protocol";
import { ArgumentEncoder, type ArgumentHost } from "./arguments.ts";
import type { ScatterOptions, SessionOptions } from "./client-options.ts";
import { again, closedError, releasedError, sessionLostError } from "./endings.ts";
import { FunctionTable } from "./function-table.ts";
import type { PackageMode } from "./functions/index.ts";
import { type Future, type FutureOwner, isReleased, recordOf } from "./future.ts";
import { Gate } from "./gate.ts";
import { allowanceOf, sendWhatStays } from "./held-messages.ts";
import { KeptArguments } from "./kept-arguments.ts";
import { type LogSink, showLog, showTaskLog } from "./logs.ts";
import { said } from "./option-checks.ts";
import { Questions } from "./questions.ts";
import type { Anchor } from "./reachability.ts";
import type { TaskRecord, Waiter } from "./record.ts";
import { Results } from "./results.ts";
import { Retrieval } from "./retrieval.ts";
import { RunTable } from "./runs.ts";
import { SharedData } from "./shared-data.ts";
import { tellPlaces } from "./stacks/tell-places.ts";
import { encodeData, Submission, type SubmissionHost } from "./submission.ts";
import { Talk } from "./talk.ts";
import { TaskTable, type TaskTableHost } from "./task-table.ts";
import { loadTracing, type Tracing } from "./tracing.ts";
import { Uploads } from "./uploads.ts";
import { EndWaiter, ValueWaiter } from "./waiters.ts";

/** Tasks that one question names: it is to fit in a frame. */
const NAMED_AT_ONCE = 100_000;

export class Session implements FutureOwner, TaskTableHost, SubmissionHost, ArgumentHost {
  readonly address: string;
  readonly trust: Trust;
  /** What the status page wants to be shown. */
  readonly authorization: () => string;
  readonly packages: PackageMode;
  /** What the scheduler said last. */
  welcome: Welcome | null = null;
  readonly payloads: PayloadStore = new PayloadStore();
  readonly gate: Gate = new Gate();
  readonly allowance: Allowance = allowanceOf(this);
  readonly tasks: TaskTable;
  readonly results: Results;
  readonly functions: FunctionTable;
  readonly questions: Questions;
  readonly runs: RunTable;
  readonly shared: SharedData;
  readonly kept: KeptArguments;
  readonly uploads: Uploads;
  readonly talk: Talk;
  readonly encoder: ArgumentEncoder;
  readonly submission: Submission;
  /** Where the program has a tracer. */
  tracing: Tracing | null = null;
  readonly #bulk: BulkClient;
  readonly #retrieval: Retrieval;
  readonly #logs: LogSink;
  #link: SchedulerLink<"client", "toClient"> | null = null;
  #wasUp = false;
  #ended: FlockError | null = null;

  /** Rejects with FLOCK_CONNECTION_REFUSED, FLOCK_NOT_A_SCHEDULER, FLOCK_UNAUTHORIZED, FLOCK_VERSION_MISMATCH, FLOCK_ADDRESS_INVALID. */
  static async open(options: SessionOptions): Promise<Session> {
    const { address, trust, name, reconnectMs } = options;
    const token = readToken(options);
    const session = new Session(options, token);
    session.#link = await SchedulerLink.open<"client", "toClient">({
      address,
      trust,
      token,
      up: "client",
      down: "toClient",
      hello: { role: "client", name },
      payloads: session.payloads,
      reconnectMs,
      onMessages: (messages) => session.#heard(messages),
      onUp: (welcome) => session.#up(welcome),
      onDown: () => {},
      onGone: (error) => session.#end(error),
    });
    session.welcome = session.#link.welcome;
    session.tracing = await loadTracing(session, session.#link.welcome.now);
    return session;
  }

  private constructor({ address, trust, logs, packages, keptArgumentBytes }: SessionOptions, token: string) {
    this.address = address;
    this.trust = trust;
    this.packages = packages;
    this.#logs = logs;
    this.authorization = () => `Bearer ${token}`;
    this.#bulk = new BulkClient({ ...peerAccess(() => this.#link?.welcome), scheduler: this });
    this.#retrieval = new Retrieval(this, this.#bulk);
    this.results = new Results(this.payloads, this.#retrieval, (record) => this.keyOf(record));
    this.questions = new Questions(this);
    this.functions = new FunctionTable(this);
    this.runs = new RunTable(this);
    this.uploads = new Uploads(this, this.#bulk);
    this.tasks = new TaskTable(this);
    this.talk = new Talk(this);
    this.kept = new KeptArguments(this, keptArgumentBytes);
    this.shared = new SharedData({
      scatterBytes: (bytes, name, hash) => this.#scatterShared(bytes, name, hash),
      dropHandle: (record) => this.tasks.dropHandle(record),
      keep: (record, bytes) => this.kept.keep(record, bytes),
    });
    this.encoder = new ArgumentEncoder(this);
    this.submission = new Submission(this);
  }

  get ended(): FlockError | null {
    return this.#ended;
  }

  /** Throws the reason when the session has ended. */
  ensureOpen(): void {
    if (this.#ended !== null) throw again(this.#ended);
  }

  get owner(): FutureOwner {
    return this;
  }

  get sessionId(): number {
    return this.welcome?.id ?? 0;
  }

  /** What another end shows that is to go on with the session. */
  get resume(): Resume {
    return { id: this.sessionId, secret: this.welcome?.secret ?? "" };
  }

  get maxFrameBytes(): number {
    return this.welcome?.maxFrameBytes ?? 0;
  }

  get inlineLimitBytes(): number {
    return this.welcome?.inlineLimitBytes ?? 0;
  }

  get admissionBytes(): number {
    return this.welcome?.admissionBytes ?? 0;
  }

  /** Sends after all that was sent before; then frees the payload that the message refers to. */
  send(message: ClientToScheduler, payload: PayloadRef = NO_PAYLOAD): void {
    if (this.gate.closed) this.gate.pass(() => this.transmit(message, payload));
    else this.transmit(message, payload);
  }

  /** Sends now, which the gate must allow, or when the scheduler takes it. Throws FLOCK_FRAME_TOO_LARGE. */
  transmit(message: ClientToScheduler, payload: PayloadRef): void {
    if (this.#ended === null && this.allowance.take(message, payload)) return;
    this.sendNow(message, payload);
  }

  /** Throws FLOCK_FRAME_TOO_LARGE. */
  sendNow(message: ClientToScheduler, payload: PayloadRef): void {
    try {
      if (this.#ended === null) this.#link?.send(message);
    } catch (error) {
      this.allowance.unsent(message);
      throw error;
    } finally {
      if (payload !== NO_PAYLOAD) this.payloads.free(payload);
    }
  }

  sendAbout(record: TaskRecord, message: ClientToScheduler): void {
    if (this.gate.closed) this.gate.pass(() => this.#transmitAbout(record, message));
    else this.#transmitAbout(record, message);
  }

  #transmitAbout(record: TaskRecord, message: ClientToScheduler): void {
    if (record.fault === null) this.transmit(message, NO_PAYLOAD);
  }

  keyOf(record: TaskRecord): string {
    return record.key ?? `${record.name}-${this.sessionId}-${record.n}`;
  }

  resultOf(future: Future<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.watch(future, new ValueWaiter(future, this.results, resolve, reject));
    });
  }

  errorOf(future: Future<unknown>): Promise<Error | null> {
    const record = recordOf(future);
    return new Promise((resolve) => {
      const ended = (error: FlockError | null): void =>
        resolve(error ?? (record.state === "done" ? null : this.results.error(record)));
      this.watch(future, new EndWaiter(future, ended));
    });
  }

  cancel(future: Future<unknown>, reason: string): Promise<void> {
    const record = recordOf(future);
    const over = new Promise<void>((resolve, reject) => {
      const text = said("cancel", "reason", reason);
      if (record.state === "pending") this.sendAbout(record, { t: "cancel", n: record.n, reason: text });
      const ended = (error: FlockError | null): void => (error === null ? resolve() : reject(error));
      this.watch(future, new EndWaiter(future, ended));
    });
    over.catch(() => {}); // to be cancelled and forgotten is common; whoever awaits the end sees why it is not known
    return over;
  }

  onReport(future: Future<unknown>, hear: (report: unknown) => void): () => void {
    return this.talk.onReport(future, hear);
  }

  tell(future: Future<unknown>, value: unknown): Promise<boolean> {
    return this.talk.tell(future, value);
  }

  fireAndForget(futures: readonly Future<unknown>[]): Promise<void> {
    for (const future of futures) if (isReleased(future)) throw releasedError(future.key);
    const parts: Promise<unknown>[] = [];
    for (let at = 0; at < futures.length; at += NAMED_AT_ONCE) {
      const ns = futures.slice(at, at + NAMED_AT_ONCE).map((future) => recordOf(future).n);
      parts.push(this.questions.ask({ q: "fireAndForget", ns }));
    }
    const known = Promise.all(parts).then(() => {});
    known.catch(() => {}); // it need not be awaited
    return known;
  }

  release(future: Future<unknown>, anchor: Anchor): void {
    const record = recordOf(future);
    if (record.isWatched) record.abandon(releasedError(this.keyOf(record)), future);
    this.tasks.release(anchor, record);
  }

  watch(future: Future<unknown>, waiter: Waiter): void {
    const record = recordOf(future);
    const hopeless = this.#hopeless(record);
    if (isReleased(future)) waiter.abandoned(releasedError(this.keyOf(record)), record);
    else if (hopeless !== null) waiter.abandoned(hopeless, record);
    else if (record.state === "pending") record.watch(waiter);
    else waiter.settled(record);
  }

  settled(record: TaskRecord): void {
    this.tracing?.ended(record);
    const uploading = this.uploads.has(record.n);
    if (this.kept.size > 0) this.kept.settled(record);
    if (record.state !== "done") {
      this.dropped(record);
      if (record.sentBytes > 0) this.kept.lost(record);
    } else if (record.sentBytes > 0) this.uploads.placed(record.n);
    if (uploading) this.tasks.dropHandle(record);
  }

  dropped(record: TaskRecord): void {
    this.tracing?.dropped(record);
    if (record.sentBytes > 0) this.uploads.drop(record.n);
    if (this.kept.size > 0) this.kept.dropped(record);
    this.#retrieval.drop(record.n);
    this.talk.dropped(record);
  }

  /** Says goodbye, rejects what is awaited with FLOCK_CLOSED, and leaves nothing that keeps the process alive. */
  async close(): Promise<void> {
    if (this.#ended?.code === "FLOCK_CLOSED") return;
    if (this.#ended === null) await sendWhatStays(this);
    this.runs.endAll();
    this.send({ t: "goodbye" });
    this.#end(closedError());
    await this.#link?.close();
  }

  #hopeless(record: TaskRecord): FlockError | null {
    if (this.#ended === null) return null;
    const here = record.state !== "pending" && (record.state !== "done" || this.results.isLocal(record));
    return here && this.#ended.code !== "FLOCK_CLOSED" ? null : again(this.#ended);
  }

  #up(welcome: Welcome): void {
    const first = !this.#wasUp;
    this.#wasUp = true;
    if (first) return;
    if (!welcome.resumed) {
      this.#end(sessionLostError(this.address));
      void this.#link?.close();
    } else {
      this.#retrieval.resumed();
      this.questions.resumed();
    }
  }

  #end(reason: FlockError): void {
    if (this.#ended !== null) return;
    this.#ended = reason;
    this.allowance.close(reason);
    this.tasks.abandonAll(reason);
    this.questions.abandonAll(reason);
    this.runs.endAll();
    this.uploads.close();
    this.kept.clear();
    this.talk.close();
    this.tracing?.close();
    this.#retrieval.close();
    this.#bulk.close();
  }

  /** Puts a value on the cluster; at once, the data is on its way. */
  scatter(value: unknown, options: ScatterOptions): Future<unknown> {
    const { broadcast = false, name = "data", workers = [], hash = false } = options;
    const bytes = encodeData(value, this.uploads.memory);
    const keyed = hash || options.key !== undefined;
    const fingerprint = keyed ? createHash("sha256").update(bytes).digest("hex") : null;
    const key = hash ? `${name}-${fingerprint!.slice(0, 32)}` : (options.key ?? null);
    return this.tasks.futureOf(
      this.submission.scatter(bytes, { name, key, fingerprint, broadcast, workers, kept: false }),
    );
  }

  #scatterShared(bytes: Uint8Array, name: string, hash: string): TaskRecord {
    const record = this.submission.scatter(bytes, {
      name,
      key: null,
      fingerprint: hash,
      broadcast: false,
      workers: [],
      kept: this.kept.mayKeep(bytes.length),
    });
    record.handles++;
    return record;
  }

  #heard(messages: readonly SchedulerToClient[]): void {
    for (const message of messages) this.#hear(message);
  }

  #hear(message: SchedulerToClient): void {
    switch (message.t) {
      case "done":
        this.tasks.done(message);
        break;
      case "failed":
      case "cancelled":
        this.tasks.ended(message);
        break;
      case "located":
        this.#retrieval.located(message);
        break;
      case "uploadTo":
        this.kept.uploadTo(message);
        break;
      case "answer":
        this.questions.answered(message);
        break;
      case "runProgress":
        this.runs.heard(message.run, message.counts);
        break;
      case "credit":
        this.allowance.credited(message.bytes);
        break;
      case "log":
        showTaskLog(this.#logs, this, message);
        break;
      case "report":
        this.talk.heard(message);
        break;
      case "placesWanted":
        tellPlaces(this.questions, message.places);
        break;
      case "notice":
        showLog(this.#logs, { worker: "scheduler", key: "", stream: "stderr", text: message.text });
        break;
    }
  }
}
