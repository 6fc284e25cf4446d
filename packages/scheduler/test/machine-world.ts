// A small world around the machine: workers that do what they are told, late and in any order between them, and die, lag
// or lose their links; clients that submit, let go, stop reading and come back. Every choice comes from a tape of numbers.

import type {
  Answer,
  CallInfo,
  PayloadRef,
  Question,
  SessionId,
  TaskId,
  TaskNumber,
  WorkerId,
} from "@taskflock/protocol/words";
import type { SchedulerConfig } from "../src/machine/index.ts";
import { at, FakeWorker, type Surroundings } from "./machine-fake-worker.ts";
import { Stage } from "./machine-stage.ts";

const WHY = ["gone", "unreachable", "relay"] as const;

interface FakeClient {
  readonly id: number;
  link: "up" | "blocked" | "cut";
  next: number;
  readonly held: Set<number>;
  readonly outcomes: Map<number, string>;
  readonly asked: Set<number>;
  /** Questions without an answer. */
  readonly questions: Map<number, Question>;
}

/** Small limits, so that they are met. */
export const worldConfig = {
  inlineBudgetBytes: 60,
  maxAssignedPerWorker: 12,
  // Clients are told of each task that ended.
  admissionBytes: 1,
  failedCalls: 3,
  failedCallBytes: 25,
  failuresRemembered: 0,
  stragglerUs: 60_000,
} satisfies Partial<SchedulerConfig>;

export class World implements Surroundings {
  readonly stage: Stage;
  readonly workers = new Map<number, FakeWorker>();
  readonly clients = new Map<number, FakeClient>();
  #ids = 0;
  #sessions = 0;

  constructor(config: Partial<SchedulerConfig> = {}) {
    this.stage = new Stage({ ...worldConfig, ...config });
  }

  /** One number of the tape: what happens, and to whom. */
  act(choice: number): void {
    const kind = choice % 100;
    const pick = Math.floor(choice / 100);
    this.stage.now += pick % 5000;
    if (kind < 3) this.#join(pick);
    else if (kind < 5) this.#die(pick);
    else if (kind < 8) this.#toggleLink(pick);
    else if (kind < 10) this.#retire(pick);
    else if (kind < 12) this.#connect();
    else if (kind < 17) this.#toggleClient(pick);
    else if (kind < 18) this.#goodbye(pick);
    else if (kind < 40) this.#submit(pick);
    else if (kind < 43) this.#scatter(pick);
    else if (kind < 50) this.#letGo(pick);
    else if (kind < 53) this.#cancel(pick);
    else if (kind < 56) this.#locate(pick);
    else if (kind < 58) this.stage.pass(300_000);
    else if (kind < 61) this.#askForCall(pick);
    else if (kind < 75) this.#receive(this.#worker(pick), pick);
    else if (kind < 88) this.#worker(pick)?.work(pick);
    else this.#send(this.#worker(pick));
    this.#read();
  }

  /** Nobody fails any more: everything must come to its end. */
  quiesce(): void {
    for (const client of this.clients.values()) this.#bringBack(client);
    for (const worker of this.workers.values()) if (!worker.linked) this.#toggleLinkOf(worker);
    // With it there is one that can run everything.
    this.#join(1, 5);
    for (let round = 0; round < 2000; round++) {
      let busy = false;
      for (const worker of [...this.workers.values()]) {
        busy = this.#receive(worker, 99) || busy;
        busy = worker.work(3 + round) || busy;
        busy = this.#send(worker) || busy;
      }
      this.#read();
      if (this.stage.alarm !== null) {
        this.stage.pass(this.stage.alarm - this.stage.now);
        busy = true;
      }
      if (!busy) return;
    }
    throw new Error("the world does not come to rest");
  }

  /** References without an outcome. */
  unanswered(): string[] {
    return [...this.clients.values()].flatMap((c) =>
      [...c.held].filter((n) => !c.outcomes.has(n)).map((n) => `session ${c.id}, task ${n}: ${this.#story(c, n)}`),
    );
  }

  #story(client: FakeClient, n: number): string {
    this.stage.say(client.id, { t: "ask", id: n, question: { q: "story", n: n as TaskNumber } });
    return JSON.stringify(this.stage.told(client.id).filter((m) => m.t === "answer"));
  }

  holds(worker: WorkerId, task: TaskId): boolean {
    return this.workers.get(worker)?.holds.has(task) === true;
  }

  payload(): PayloadRef {
    return this.stage.payload();
  }

  // ------------------------------------------------------------- workers

  #worker(pick: number): FakeWorker | undefined {
    return at([...this.workers.values()], pick);
  }

  #join(pick: number, most = 4): void {
    if (this.workers.size >= most) return;
    const worker = new FakeWorker(++this.#ids, 1 + (pick % 2), this);
    this.workers.set(worker.id, worker);
    const resources: Record<string, number> = [{}, { GPU: 15_000, MEM: 20_000 }, { GPU: 10_000 }][pick % 3]!;
    this.stage.worker(worker.id, { slots: worker.slots, resources, name: `w${worker.id % 5}` });
  }

  #die(pick: number): void {
    const worker = this.#worker(pick);
    if (worker === undefined) return;
    this.#gone(worker);
    this.stage.lose(worker.id, "SIGKILL", worker.left);
  }

  /** What it had not sent yet, bytes included, never reaches the scheduler. */
  #gone(worker: FakeWorker): void {
    this.workers.delete(worker.id);
    this.stage.workerBox.delete(worker.id);
    for (const message of worker.out.splice(0)) {
      if (message.t === "finished") this.stage.live.delete(message.result);
      if (message.t === "errored") this.stage.live.delete(message.failure.error);
    }
  }

  #toggleLink(pick: number): void {
    const worker = this.#worker(pick);
    if (worker !== undefined && !worker.left) this.#toggleLinkOf(worker);
  }

  /** Downstream messages are lost with the link; upstream ones are sent again. */
  #toggleLinkOf(worker: FakeWorker): void {
    worker.linked = !worker.linked;
    if (!worker.linked) {
      this.stage.workerBox.delete(worker.id);
      this.stage.cut(worker.id);
      return;
    }
    worker.limit = 4096;
    this.stage.step({ e: "workerResumed", worker: worker.id as WorkerId });
    if (worker.out.length > 0) this.stage.tell(worker.id, ...worker.out.splice(0));
    this.stage.snapshot(worker.id, {
      holds: [...worker.holds].map(([task, { bytes, version }]) => ({ task, bytes, version })),
      tasks: [...worker.tasks.values()].map(({ assign, running }) => ({ ...assign, running })),
      functions: [...worker.functions] as never[],
    });
  }

  #retire(pick: number): void {
    const worker = this.#worker(pick);
    if (worker === undefined) return;
    if (pick % 2 === 0) worker.out.push({ t: "wantsToRetire", reason: "spot notice" });
    else this.stage.step({ e: "retireWorkers", workers: [`w${worker.id % 5}`] });
  }

  /** Reads up to `count` messages from the scheduler. */
  #receive(worker: FakeWorker | undefined, count: number): boolean {
    if (worker === undefined || !worker.linked) return false;
    const box = this.stage.workerBox.get(worker.id) ?? [];
    const messages = box.splice(0, (count % 7) + 1);
    for (const message of messages) worker.obey(message);
    if (worker.left) {
      this.#gone(worker);
      this.stage.lose(worker.id, "left", true);
    }
    return messages.length > 0;
  }

  #send(worker: FakeWorker | undefined): boolean {
    if (worker === undefined || !worker.linked || worker.out.length === 0) return false;
    this.stage.tell(worker.id, ...worker.out.splice(0));
    return true;
  }

  // ------------------------------------------------------------- clients

  #client(pick: number): FakeClient | undefined {
    return at([...this.clients.values()], pick);
  }

  #connect(): void {
    if (this.clients.size >= 3) return;
    const id = ++this.#sessions;
    const tables = { held: new Set<number>(), outcomes: new Map(), asked: new Set<number>(), questions: new Map() };
    this.clients.set(id, { id, link: "up", next: 1, ...tables });
    this.stage.client(id);
    this.stage.options(id, 1, { retries: 2, backoffMs: 5, priority: 3, speculate: true });
    this.stage.options(id, 2, { resources: { GPU: 10_000 }, retries: 1, speculate: true });
    this.stage.options(id, 3, { workers: ["w1", "w2"], allowOtherWorkers: true });
    this.stage.options(id, 4, { deadlineMs: 10, retries: 1, backoffMs: 5, noWorkerTimeoutMs: 20 });
    this.stage.options(id, 6, { resources: { GPU: 3_333, MEM: 10_000 }, retries: 1 });
    this.stage.options(id, 7, { resources: { GPU: 5_000 }, priority: 1 });
    this.stage.options(id, 5, { resources: { TPU: 1 }, noWorkerTimeoutMs: 30 });
    this.stage.say(id, { t: "openRun", run: 1 as never, name: "r", weight: 2, steps: 3, keepMs: null });
  }

  #toggleClient(pick: number): void {
    const client = this.#client(pick);
    if (client === undefined) return;
    if (client.link !== "up") this.#bringBack(client);
    else {
      client.link = pick % 2 === 0 ? "blocked" : "cut";
      this.stage.speakable.delete(`c${client.id}`);
      const e = client.link === "cut" ? "clientCut" : "clientBlocked";
      this.stage.step({ e, session: client.id as SessionId });
    }
  }

  #bringBack(client: FakeClient): void {
    if (client.link === "up") return;
    const e = client.link === "cut" ? "clientResumed" : "clientReady";
    client.link = "up";
    this.stage.speakable.add(`c${client.id}`);
    if (e === "clientResumed") {
      for (const n of client.held) client.asked.add(n);
      for (const q of client.questions.values()) if (q.q === "inputs") for (const n of q.as) client.asked.add(n);
    }
    this.stage.step({ e, session: client.id as SessionId });
    if (e === "clientResumed") for (const id of client.questions.keys()) this.#ask(client, id);
  }

  #goodbye(pick: number): void {
    const client = this.#client(pick);
    if (client === undefined) return;
    this.clients.delete(client.id);
    this.stage.speakable.delete(`c${client.id}`);
    this.stage.step({ e: "clientGone", session: client.id as SessionId });
  }

  #submit(pick: number): void {
    const client = this.#client(pick);
    if (client === undefined || client.link === "cut") return;
    const held = [...client.held];
    const messages = Array.from({ length: 1 + (pick % 4) }, (_, i) => {
      const deps = new Set(
        held.length > 0 && (pick + i) % 3 > 0 ? [at(held, pick + i)!, held.at(-1 - i) ?? held[0]!] : [],
      );
      const n = client.next++;
      client.held.add(n);
      held.push(n);
      const key = pick % 9 === 0 ? { key: `k${pick % 2}`, fingerprint: `${pick % 7}` } : {};
      return this.stage.submission(n, { deps: [...deps], options: pick % 7 > 3 ? 0 : pick % 8, run: pick % 2, ...key });
    });
    this.stage.say(client.id, ...messages);
  }

  #scatter(pick: number): void {
    const client = this.#client(pick);
    if (client === undefined || client.link === "cut") return;
    const n = client.next++;
    client.held.add(n);
    const key = pick % 3 === 0 ? { key: "shared" } : {};
    this.stage.scatter(client.id, n, pick % 2 === 0 ? 3 : 100_000, {
      small: pick % 2 === 0 && pick % 3 !== 0,
      broadcast: pick % 5 === 0,
      ...key,
    });
  }

  #letGo(pick: number): void {
    const client = this.#client(pick);
    const n = client === undefined ? undefined : at([...client.held], pick);
    if (client === undefined || n === undefined || client.link === "cut") return;
    client.held.delete(n);
    this.stage.release(client.id, n);
  }

  #cancel(pick: number): void {
    const client = this.#client(pick);
    const n = client === undefined ? undefined : at([...client.held], pick);
    if (client !== undefined && n !== undefined && client.link !== "cut") this.stage.cancel(client.id, n);
  }

  #locate(pick: number): void {
    const client = this.#client(pick);
    const n = client === undefined ? undefined : at([...client.held], pick);
    if (client === undefined || n === undefined || client.link === "cut") return;
    client.asked.add(n);
    const holder = at([...this.workers.keys()], pick) as WorkerId | undefined;
    if (pick % 4 > 0 || holder === undefined) this.stage.locate(client.id, n);
    else
      this.stage.say(client.id, {
        t: "unavailable",
        n: n as TaskNumber,
        holder,
        version: pick % 9,
        why: WHY[pick % 3]!,
      });
  }

  #askForCall(pick: number): void {
    const client = this.#client(pick);
    const n = client === undefined ? undefined : at([...client.held], pick);
    if (client === undefined || n === undefined || client.link === "cut") return;
    const id = client.next++;
    const asks: Question[] = [
      { q: "call", n: n as TaskNumber },
      { q: "why", n: n as TaskNumber },
      { q: "whyKey", key: `f-${client.id}-${pick % 40}` },
    ];
    client.questions.set(id, at(asks, pick)!);
    this.#ask(client, id);
  }

  #ask(client: FakeClient, id: number): void {
    this.stage.say(client.id, { t: "ask", id, question: client.questions.get(id)! });
  }

  /** A call's inputs are asked for next; those are held from then on. */
  #answered(client: FakeClient, { id, value, error }: Answer): void {
    const question = client.questions.get(id);
    client.questions.delete(id);
    if (question === undefined || error !== null) return;
    if (question.q === "inputs") {
      for (const n of question.as) client.held.add(n);
    } else if (question.q === "call" && client.link !== "cut") {
      const as = Array.from({ length: (value as CallInfo).inputs }, () => client.next++ as TaskNumber);
      const next = client.next++;
      client.questions.set(next, { q: "inputs", n: question.n, as });
      this.#ask(client, next);
    }
  }

  /** Outcomes come once, but for those that were asked for again. */
  #read(): void {
    for (const client of this.clients.values()) {
      for (let messages = this.stage.told(client.id); messages.length > 0; messages = this.stage.told(client.id)) {
        for (const message of messages) {
          if (message.t === "answer") this.#answered(client, message);
          if (message.t !== "done" && message.t !== "failed" && message.t !== "cancelled") continue;
          const { t, n } = message;
          const before = client.outcomes.get(n);
          if (before === undefined) client.outcomes.set(n, t);
          else if (!client.asked.has(n))
            throw new Error(`session ${client.id} was told ${before}, then ${t} of task ${n}`);
        }
      }
    }
  }
}
