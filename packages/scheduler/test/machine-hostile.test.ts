// Clients and workers that say anything that the wire's tables allow: of others' tasks, of none, of absurd amounts, in any order. The
// machine must never find itself in a state that must not be: the scheduler would end.

import type { ClientToScheduler, SessionId, WorkerHello, WorkerId, WorkerToScheduler } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { Random } from "../../../test/fuzz/random.ts";
import { kindsOf, mapPayloads, NAMES, questionFields, type Row, Samples } from "../../../test/fuzz/samples.ts";
import { Stage } from "./machine-stage.ts";

class HostileWorld {
  readonly stage: Stage;
  readonly random: Random;
  readonly samples: Samples;
  readonly clients: Map<number, "up" | "blocked" | "cut"> = new Map();
  readonly workers: Map<number, "up" | "quiet" | "cut"> = new Map();
  #ids = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.samples = new Samples(this.random);
    this.stage = new Stage({
      eventsKept: 50,
      logUnitsKept: 500,
      inlineBudgetBytes: 300,
      failedCalls: 3,
      failuresRemembered: 2,
      stragglerUs: 60_000,
      sharedBudgetBytes: 200,
      equipmentBudgetBytes: 200,
      admissionBytes: 2_000,
      detailUnitsOfRun: 500,
      detailUnitsKept: 1_000,
    });
    this.stage.check = "touched";
  }

  act(): void {
    const { random, stage } = this;
    const what = random.below(100);
    if (this.clients.size === 0 || what < 2) this.#joinClient();
    else if (this.workers.size === 0 || what < 4) this.#joinWorker();
    else if (what < 7) this.#toggleClient();
    else if (what < 10) this.#toggleWorker();
    else if (what < 15) stage.pass(random.pick([10, 1_000, 100_000, 3_000_000, 60_000_000]));
    else if (what < 60) this.#sayAsClient();
    else this.#sayAsWorker();
    stage.now += random.below(2_000);
  }

  leave(): void {
    const { stage } = this;
    for (const id of [...this.workers.keys()]) stage.lose(id);
    for (const id of this.clients.keys()) {
      stage.speakable.delete(`c${id}`);
      stage.step({ e: "clientGone", session: id as SessionId });
    }
    this.#clear();
    for (let i = 0; i < 20; i++) stage.pass(2 ** 53 / 1000 / 20);
  }

  /** What is kept by name is there whoever leaves. */
  #clear(): void {
    const { stage } = this;
    const id = ++this.#ids;
    stage.client(id);
    let asked = 1_000;
    const ask = (question: Row): void =>
      stage.say(id, { t: "ask", id: ++asked, question } as unknown as ClientToScheduler);
    for (const name of NAMES) {
      for (const kind of ["queue", "variable", "event"]) ask({ q: "sharedDelete", kind, name });
      for (const kind of ["plugin", "file"]) ask({ q: "unequip", kind, name });
      for (let version = 1; version < 60; version++) ask({ q: "unpublish", name, version });
    }
    for (const { run } of stage.machine.runs()) ask({ q: "forgetRun", run });
    ask({ q: "restart" }); // tasks that run for nobody
    stage.speakable.delete(`c${id}`);
    stage.step({ e: "clientGone", session: id as SessionId });
  }

  #joinClient(): void {
    if (this.clients.size >= 5) return;
    const id = ++this.#ids;
    this.stage.client(id);
    this.clients.set(id, "up");
  }

  #joinWorker(): void {
    if (this.workers.size >= 5) return;
    const id = ++this.#ids;
    const { worker } = this.samples.hello("worker") as unknown as { worker: WorkerHello };
    const name = `w${id % 3}`;
    this.stage.step({ e: "workerJoined", worker: id as WorkerId, hello: { ...worker, name }, relayKey: `key${id}` });
    this.workers.set(id, "quiet");
  }

  #toggleClient(): void {
    const { random, stage } = this;
    const id = random.pick([...this.clients.keys()]);
    const session = id as SessionId;
    const state = this.clients.get(id)!;
    if (state === "cut" && random.oneIn(2)) {
      stage.speakable.add(`c${id}`);
      stage.step({ e: "clientResumed", session });
      this.clients.set(id, "up");
    } else if (state === "blocked") {
      stage.speakable.add(`c${id}`);
      stage.step({ e: "clientReady", session });
      this.clients.set(id, "up");
    } else if (random.oneIn(3)) {
      stage.speakable.delete(`c${id}`);
      stage.step({ e: "clientGone", session });
      this.clients.delete(id);
    } else if (state === "up") {
      const next = random.oneIn(2) ? "blocked" : "cut";
      stage.speakable.delete(`c${id}`);
      stage.step({ e: next === "blocked" ? "clientBlocked" : "clientCut", session });
      this.clients.set(id, next);
    }
  }

  #toggleWorker(): void {
    const { random, stage } = this;
    const id = random.pick([...this.workers.keys()]);
    const state = this.workers.get(id)!;
    if (random.oneIn(3)) {
      stage.lose(id, "SIGKILL", random.oneIn(2));
      this.workers.delete(id);
    } else if (state === "cut") {
      stage.step({ e: "workerResumed", worker: id as WorkerId });
      this.workers.set(id, "quiet");
    } else {
      stage.cut(id);
      this.workers.set(id, "cut");
    }
  }

  #sayAsClient(): void {
    const { random, stage } = this;
    const id = random.pick([...this.clients.keys()]);
    if (this.clients.get(id) === "cut") return;
    const kinds = kindsOf("client");
    const questions = Object.keys(questionFields());
    this.samples.pools = this.#pools();
    const messages = Array.from({ length: random.between(1, 5) }, () => {
      const kind = random.oneIn(3) ? "submit" : random.pick(kinds);
      if (kind === "goodbye" && !random.oneIn(20)) return this.samples.question(random.pick(questions));
      return kind === "ask" ? this.samples.question(random.pick(questions)) : this.samples.message("client", kind);
    });
    const said = messages.map((row) => this.#taken("client", row)) as unknown as ClientToScheduler[];
    if (said.some(({ t }) => t === "goodbye")) this.#sayGoodbye(id, said);
    else stage.say(id, ...said);
  }

  #sayGoodbye(id: number, said: ClientToScheduler[]): void {
    this.stage.say(id, ...said);
    this.stage.speakable.delete(`c${id}`);
    this.clients.delete(id);
    this.stage.step({ e: "clientGone", session: id as SessionId });
  }

  #sayAsWorker(): void {
    const { random, stage } = this;
    const id = random.pick([...this.workers.keys()]);
    const state = this.workers.get(id)!;
    if (state === "cut") return;
    this.samples.pools = this.#pools();
    const given = stage.workerBox.get(id)?.filter((m) => "task" in m && "attempt" in m) as {
      task: number;
      attempt: number;
    }[];
    const messages = Array.from({ length: random.between(1, 4) }, () => {
      const kind = state === "quiet" && random.oneIn(2) ? "snapshot" : random.pick(kindsOf("worker"));
      const row = this.samples.message("worker", kind);
      if (given === undefined || given.length === 0 || random.oneIn(4)) return row;
      const { task, attempt } = random.pick(given);
      return { ...row, ...("task" in row ? { task } : {}), ...("attempt" in row ? { attempt } : {}) };
    });
    if (messages.some(({ t }) => t === "snapshot")) {
      stage.speakable.add(`w${id}`);
      this.workers.set(id, "up");
    }
    stage.tell(id, ...(messages.map((row) => this.#taken("worker", row)) as unknown as WorkerToScheduler[]));
    for (const box of stage.workerBox.values()) if (box.length > 60) box.splice(0, 40);
    for (const box of stage.clientBox.values()) box.length = 0;
  }

  #taken(direction: "client" | "worker", row: Row): Row {
    return mapPayloads(direction, row, (bytes) => (bytes === null ? 0 : this.stage.payload()));
  }

  #pools() {
    const tasks = [...this.stage.workerBox.values()].flat().flatMap((m) => ("task" in m ? [m.task as number] : []));
    return { tasks: tasks.slice(-30), workers: [...this.workers.keys(), 99], workerNames: ["w0", "w1", "w2"] };
  }
}

describe("whoever may connect says anything", () => {
  const seeds = Array.from(
    { length: Number(process.env["HOSTILE_WORLDS"] ?? 30) },
    (_, i) => Number(process.env["HOSTILE_SEED"] ?? 1) + i,
  );
  it("invariants hold, and nothing is left over", () => {
    for (const seed of seeds) {
      const world = new HostileWorld(seed);
      try {
        for (let i = 0; i < 600; i++) {
          world.act();
          if (i % 50 === 0) world.stage.machine.checkInvariants("all");
        }
        world.stage.machine.checkInvariants("all");
        world.leave();
        const left = world.stage.leftOver();
        // Errors of the tasks that failed first are remembered for people.
        expect(left.slice(world.stage.machine.rememberedErrors())).toEqual([]);
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
  });
});
