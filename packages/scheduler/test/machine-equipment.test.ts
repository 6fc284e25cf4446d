import type { ClientToScheduler, Question, SchedulerToClient, SchedulerToWorker } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { Stage } from "./machine-stage.ts";

type Equip = Extract<SchedulerToWorker, { t: "equip" }>;
interface Fields {
  readonly override?: boolean;
  readonly client?: number;
  readonly id?: number;
}

/** Clients and workers that are asked for, and given, plugins and files. */
class EquipmentStage extends Stage {
  #asked = 0;

  ask(question: Question, client = 1, id = ++this.#asked): SchedulerToClient[] {
    this.say(client, { t: "ask", id, question } as ClientToScheduler);
    return this.told(client);
  }

  plugin(name: string, { override = false, client = 1, id }: Fields = {}): SchedulerToClient[] {
    const [data, functions] = [this.payload(), [1] as never];
    const question = { q: "equip", kind: "plugin", name, override, draft: 0, functions, data, dataBytes: 10 } as const;
    return this.ask(question, client, id);
  }

  part(draft: number, part: number, dataBytes = 10, id?: number): SchedulerToClient[] {
    return this.ask({ q: "filePart", draft, part, data: this.payload(), dataBytes }, 1, id);
  }

  file(name: string, parts: number, draft: number, { id }: Fields = {}): SchedulerToClient[] {
    for (let part = 0; part < parts; part++) expect(this.part(draft, part)).toMatchObject([{ error: null }]);
    const data = 0 as never;
    return this.ask(
      { q: "equip", kind: "file", name, override: true, draft, functions: [], data, dataBytes: 0 },
      1,
      id,
    );
  }

  /** What a worker is to take in, as gear.part. */
  equips(worker: number): string[] {
    return (this.take(worker, "equip") as Equip[]).map(({ gear, part }) => `${gear}.${part}`);
  }

  equipped(worker: number, gear: number, part = 0, failure: string | null = null): SchedulerToClient[] {
    const why = failure === null ? null : { name: "RangeError", message: failure, stack: "at setup" };
    this.tell(worker, { t: "equipped", gear, part, slots: 2, failure: why });
    return this.told();
  }
}

function staged(workers = 2): EquipmentStage {
  const stage = new EquipmentStage();
  stage.client();
  for (let id = 1; id <= workers; id++) stage.worker(id);
  return stage;
}

describe("a plugin", () => {
  it("is sent with its functions to all workers, and answered when all have it", () => {
    const stage = staged();
    expect(stage.plugin("p")).toEqual([]);
    for (const worker of [1, 2]) expect(stage.take(worker, "function")).toHaveLength(1);
    expect([stage.equips(1), stage.equips(2)]).toEqual([["1.0"], ["1.0"]]);
    expect(stage.equipped(1, 1)).toEqual([]);
    expect(stage.equipped(2, 1)).toMatchObject([{ value: { workers: { w1: 2, w2: 2 }, failed: [] } }]);
    expect(stage.ask({ q: "equipment", kind: "plugin" })).toMatchObject([
      { value: [{ name: "p", bytes: 10, by: "client-1", workers: ["w1", "w2"] }] },
    ]);
    expect(stage.machine.eventsSince(0, 100).at(-1)).toMatchObject({ kind: "pluginRegistered", who: "client-1" });
  });

  it("is answered at once where no worker is, and waits for those that come: they get no tasks before", () => {
    const stage = staged(0);
    expect(stage.plugin("p")).toMatchObject([{ value: { workers: {}, failed: [] } }]);
    stage.submit(1, 1);
    stage.worker(1);
    expect(stage.equips(1)).toEqual(["1.0"]);
    expect(stage.assigned(1)).toEqual([]);
    stage.equipped(1, 1);
    expect(stage.assigned(1)).toHaveLength(1);
  });

  it("that fails is kept nowhere, and its workers are told", () => {
    const stage = staged();
    stage.plugin("p");
    stage.equipped(1, 1, 0, "no");
    const [answer] = stage.equipped(2, 1);
    const failed = [{ worker: "w1", name: "RangeError", message: "no", stack: "at setup" }];
    expect(answer).toMatchObject({ value: { workers: { w2: 2 }, failed } });
    for (const worker of [1, 2]) expect(stage.take(worker, "unequip")).toEqual([{ t: "unequip", gear: 1 }]);
    expect(stage.ask({ q: "equipment", kind: "plugin" })).toMatchObject([{ value: [] }]);
    expect(stage.machine.eventsSince(0, 100).at(-1)).toMatchObject({ kind: "pluginFailed", who: "w1" });
  });

  it("that fails on a worker that came later leaves it to its tasks: an event and a notice", () => {
    const stage = staged(0);
    stage.plugin("p");
    stage.worker(1);
    stage.submit(1, 1);
    expect(stage.equipped(1, 1, 0, "no")).toMatchObject([
      { t: "notice", text: expect.stringContaining("p: RangeError: no (on w1") },
    ]);
    expect(stage.assigned(1)).toHaveLength(1);
    expect(stage.machine.eventsSince(0, 100).at(-1)).toMatchObject({ kind: "pluginFailed", who: "w1" });
    expect(stage.equipped(1, 1, 0, "in a slot that began later")).toMatchObject([{ t: "notice" }]);
  });

  it("has a name of its own, unless it takes one", () => {
    const stage = staged(1);
    stage.plugin("p");
    stage.equipped(1, 1);
    expect(stage.plugin("p")).toMatchObject([{ error: { code: "FLOCK_PLUGIN_EXISTS" } }]);
    stage.take(1, "equip");
    stage.plugin("p", { override: true });
    const told = stage.workerBox.get(1)!.splice(0);
    expect(told.filter(({ t }) => t !== "function")).toMatchObject([
      { t: "unequip", gear: 1 },
      { t: "equip", gear: 2 },
    ]);
    expect(stage.equipped(1, 2)).toMatchObject([{ error: null }]);
  });

  it("that is taken back is taken from who has it; who still waits for it is told", () => {
    const stage = staged(1);
    stage.client(2);
    stage.plugin("p");
    expect(stage.ask({ q: "unequip", kind: "plugin", name: "p" }, 2)).toMatchObject([{ error: null }]);
    expect(stage.told()).toMatchObject([{ error: { code: "FLOCK_PLUGIN_FAILED" } }]);
    expect(stage.take(1, "unequip")).toHaveLength(1);
    expect(stage.ask({ q: "unequip", kind: "plugin", name: "p" }, 2)).toMatchObject([
      { error: { code: "FLOCK_PLUGIN_UNKNOWN", message: expect.stringContaining("there are none") } },
    ]);
    expect(stage.equipped(1, 1)).toEqual([]); // said before it knew
  });

  it("asked for again after a cut is kept once", () => {
    const stage = staged(1);
    stage.plugin("p", { id: 50 });
    stage.plugin("p", { id: 50 });
    expect(stage.equips(1)).toEqual(["1.0"]);
    expect(stage.equipped(1, 1)).toHaveLength(1);
    expect(stage.plugin("p", { id: 50 })).toMatchObject([{ id: 50, value: { workers: { w1: 2 } } }]);
    expect(stage.equips(1)).toEqual([]);
  });

  it("outlives its client, also one that dies in the middle; its code stays as long as it does", () => {
    const stage = staged(1);
    stage.client(2);
    stage.plugin("p", { client: 1 });
    stage.step({ e: "clientGone", session: 1 as never });
    stage.tell(1, { t: "equipped", gear: 1, part: 0, slots: 1, failure: null });
    expect(stage.take(1, "forgetFunction")).toEqual([]);
    expect(stage.ask({ q: "equipment", kind: "plugin" }, 2)).toMatchObject([{ value: [{ name: "p" }] }]);
    stage.step({ e: "clientGone", session: 2 as never });
    stage.client(3);
    expect(stage.ask({ q: "unequip", kind: "plugin", name: "p" }, 3)).toMatchObject([{ error: null }]);
  });

  it("is not awaited of a worker that is cut off or dies", () => {
    const stage = staged(3);
    stage.plugin("p");
    stage.cut(1);
    stage.lose(2);
    expect(stage.equipped(3, 1)).toMatchObject([{ value: { workers: { w3: 2 } } }]);
  });
});

describe("a worker that comes back", () => {
  it("is sent what did not reach it, and says itself what it had begun; nothing is set up twice", () => {
    const stage = staged(1);
    stage.plugin("one");
    stage.plugin("two");
    stage.equipped(1, 1);
    stage.take(1, "equip");
    stage.cut(1);
    stage.submit(1, 1);
    stage.plugin("three");
    stage.snapshot(1, {
      equipment: [
        { gear: 1, parts: 1 },
        { gear: 2, parts: 1 },
      ],
      functions: [1 as never],
    });
    expect(stage.equips(1)).toEqual(["3.0"]);
    expect(stage.assigned(1)).toEqual([]);
    stage.equipped(1, 2);
    expect(stage.assigned(1)).toEqual([]);
    stage.equipped(1, 3);
    expect(stage.assigned(1)).toHaveLength(1);
  });

  it("gives back what was taken away meanwhile", () => {
    const stage = staged(1);
    stage.plugin("p");
    stage.equipped(1, 1);
    stage.cut(1);
    stage.ask({ q: "unequip", kind: "plugin", name: "p" });
    stage.snapshot(1, { equipment: [{ gear: 1, parts: 1 }] });
    expect(stage.take(1, "unequip")).toEqual([{ t: "unequip", gear: 1 }]);
  });

  it("is not held back by what is given up while it lacks it", () => {
    const stage = staged(0);
    stage.plugin("p");
    stage.worker(1);
    stage.submit(1, 1);
    expect(stage.assigned(1)).toEqual([]);
    stage.ask({ q: "unequip", kind: "plugin", name: "p" });
    expect(stage.assigned(1)).toHaveLength(1);
  });
});

describe("a file", () => {
  it("goes to each worker part by part, at the worker's pace", () => {
    const stage = staged();
    expect(stage.file("f", 3, 1)).toEqual([]);
    expect([stage.equips(1), stage.equips(2)]).toEqual([["1.0"], ["1.0"]]);
    stage.equipped(1, 1, 0);
    stage.equipped(1, 1, 1);
    stage.equipped(1, 1, 1); // said again
    expect([stage.equips(1), stage.equips(2)]).toEqual([["1.1", "1.2"], []]);
    stage.equipped(1, 1, 2);
    for (const part of [0, 1]) stage.equipped(2, 1, part);
    expect(stage.equipped(2, 1, 2)).toMatchObject([{ value: { workers: { w1: 2, w2: 2 } } }]);
    expect(stage.ask({ q: "equipment", kind: "file" })).toMatchObject([{ value: [{ name: "f", bytes: 30 }] }]);
  });

  it("goes on where a cut left it", () => {
    const stage = staged(1);
    stage.file("f", 3, 1);
    stage.equipped(1, 1, 0);
    stage.take(1, "equip");
    stage.cut(1);
    stage.snapshot(1, { equipment: [{ gear: 1, parts: 1 }] });
    expect(stage.equips(1)).toEqual(["1.1"]); // it was lost on its way
    stage.cut(1);
    stage.snapshot(1, { equipment: [{ gear: 1, parts: 2 }] });
    expect(stage.equips(1)).toEqual([]); // it is being written
    stage.equipped(1, 1, 1);
    expect(stage.equips(1)).toEqual(["1.2"]);
  });

  it("stays until the one that replaces it is everywhere, and longer when that fails", () => {
    const stage = staged(1);
    stage.file("f", 1, 1);
    stage.equipped(1, 1);
    stage.file("f", 1, 2);
    expect(stage.take(1, "unequip")).toEqual([]);
    expect(stage.equipped(1, 2, 0, "ENOSPC")).toMatchObject([{ value: { failed: [{ message: "ENOSPC" }] } }]);
    expect(stage.take(1, "unequip")).toEqual([{ t: "unequip", gear: 2 }]);
    stage.file("f", 1, 3);
    stage.equipped(1, 3);
    expect(stage.take(1, "unequip")).toEqual([{ t: "unequip", gear: 1 }]);
  });

  it("is refused when there is no room for it, and what was brought of it is let go", () => {
    const stage = new EquipmentStage({ equipmentBudgetBytes: 25 });
    stage.client();
    expect(stage.part(1, 0)).toMatchObject([{ error: null }]);
    expect(stage.part(1, 0)).toMatchObject([{ error: null }]); // asked again after a cut
    expect(stage.part(1, 1, 20)).toMatchObject([{ error: { code: "FLOCK_FILES_FULL" } }]);
    expect(stage.part(2, 0, 25)).toMatchObject([{ error: null }]);
    expect(stage.part(2, 5, 0)).toMatchObject([{ error: { code: "FLOCK_FILE_FAILED" } }]);
    expect(stage.plugin("p")).toMatchObject([{ error: null }]);
    expect(stage.part(3, 0, 20)).toMatchObject([{ error: { code: "FLOCK_FILES_FULL" } }]);
  });

  it("that its client began to bring goes with it", () => {
    const stage = staged(1);
    const before = stage.live.size;
    stage.part(1, 0);
    stage.part(1, 1);
    stage.step({ e: "clientGone", session: 1 as never });
    expect(stage.live.size).toBe(before - 1); // its function, too
  });
});
