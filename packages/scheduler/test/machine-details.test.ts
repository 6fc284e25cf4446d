import type { ClientToScheduler, DetailEntry, PageDetails, PageRun, RunId } from "@taskflock/protocol/words";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DetailStore } from "../src/machine/details.ts";
import { Stage } from "./machine-stage.ts";

const header: DetailEntry = {
  e: "search",
  kind: "grid search",
  estimator: "svc",
  parameters: ["C"],
  scorings: ["score"],
  mode: "max",
  folds: 5,
  total: 3,
};
const remark = (text: string): DetailEntry => ({ e: "remark", trial: -1, text });
const textOf = (entry: DetailEntry): string => (entry.e === "remark" ? entry.text : entry.e);
const run = (n: number): RunId => n as RunId;

/** What stands in `store`, of a run or of all, page by page. */
function read(store: DetailStore, of: number, limit = 3): { seq: number; text: string }[] {
  const found: { seq: number; text: string }[] = [];
  for (let since = 0; ; since = found.at(-1)!.seq) {
    const page = store.since(run(of), since, limit, 100_000);
    if (page.length === 0) return found;
    found.push(...page.map(({ seq, entry }) => ({ seq, text: textOf(entry) })));
  }
}

describe("the store of details", () => {
  it("gives them in their order, of one run and of all, and by its size in pages", () => {
    const store = new DetailStore(100_000, 100_000);
    for (let i = 1; i <= 6; i++) store.add(run(1 + (i % 2)), 10 * i, remark(`${i}`));
    expect(read(store, 0).map(({ text }) => text)).toEqual(["1", "2", "3", "4", "5", "6"]);
    expect(read(store, 2)).toEqual([
      { seq: 1, text: "1" },
      { seq: 3, text: "3" },
      { seq: 5, text: "5" },
    ]);
    expect(store.since(run(1), 2, 10, 1000)).toMatchObject([
      { seq: 4, at: 40, run: 1 },
      { seq: 6, at: 60, run: 1 },
    ]);
    // One is always given, however large it is.
    expect(store.since(run(0), 0, 10, 1)).toHaveLength(1);
    expect(store.since(run(9), 0, 10, 1000)).toEqual([]);
  });

  it("says what a run is about", () => {
    const store = new DetailStore(100_000, 100_000);
    const training: DetailEntry = {
      e: "training",
      trial: 0,
      model: "mlp",
      parameters: 10,
      epochs: 2,
      samples: 100,
      workers: 1,
    };
    store.add(run(1), 0, header);
    store.add(run(2), 0, training);
    store.add(run(3), 0, header);
    store.add(run(3), 0, training);
    store.add(run(4), 0, remark("nothing else"));
    expect([1, 2, 3, 4, 5].map((n) => store.kindOf(run(n)))).toEqual([
      "search",
      "training",
      "search of trainings",
      "",
      "",
    ]);
  });

  it("forgets the oldest of a run, and never its header", () => {
    const store = new DetailStore(2_000, 100_000);
    store.add(run(1), 0, remark("first"));
    store.add(run(1), 0, header);
    for (let i = 0; i < 50; i++) store.add(run(1), 0, remark(`${i}`));
    const texts = read(store, 1).map(({ text }) => text);
    expect(texts[0]).toBe("search");
    expect(texts.slice(1)).toEqual(Array.from({ length: texts.length - 1 }, (_, i) => `${51 - texts.length + i}`));
    expect(texts.length).toBeGreaterThan(5);
    expect(store.missedSince(run(1), 0)).toBe(52 - texts.length);
    expect(store.missedSince(run(0), 0)).toBe(52 - texts.length);
    expect(store.missedSince(run(1), store.last)).toBe(0);
  });

  it("forgets runs that closed before those that are open, the first to close first", () => {
    const store = new DetailStore(4_000, 8_000);
    for (let n = 1; n <= 4; n++) store.add(run(n), 0, remark("x".repeat(1000)));
    store.closed(run(3));
    store.closed(run(2));
    const left = (): number[] => [1, 2, 3, 4, 5].filter((n) => read(store, n).length > 0);
    store.add(run(5), 0, remark("x".repeat(2500)));
    expect(left()).toEqual([1, 2, 4, 5]);
    for (let i = 0; i < 3; i++) store.add(run(1), 0, remark("x".repeat(800)));
    expect(left()).toEqual([1, 4, 5]);
  });

  it("keeps to its bounds whatever is told, and its books agree", () => {
    const telling = fc.record({
      run: fc.integer({ min: 1, max: 6 }),
      what: fc.oneof(fc.integer({ min: 0, max: 900 }), fc.constantFrom("header" as const, "close" as const)),
    });
    fc.assert(
      fc.property(fc.array(telling, { maxLength: 200 }), (tellings) => {
        const store = new DetailStore(3_000, 9_000);
        const open = new Set<RunId>([1, 2, 3, 4, 5, 6].map(run));
        let told = 0;
        for (const { run: n, what } of tellings) {
          if (!open.has(run(n))) continue;
          if (what === "close") {
            open.delete(run(n));
            store.closed(run(n));
          } else {
            store.add(run(n), 0, what === "header" ? header : remark("x".repeat(what)));
            told++;
          }
          expect(store.check(open)).toBeNull();
        }
        expect(store.last).toBe(told);
        const all = read(store, 0);
        expect(all.length + store.missedSince(run(0), 0)).toBe(told);
        const byRun = [1, 2, 3, 4, 5, 6].flatMap((n) => read(store, n));
        expect(byRun.sort((a, b) => a.seq - b.seq)).toEqual(all);
      }),
      { numRuns: 200, seed: 7 },
    );
  });
});

function open(stage: Stage, n: number, { client = 1, keepMs = null as number | null } = {}): void {
  stage.say(client, { t: "openRun", run: n as never, name: `run ${n}`, weight: 1, steps: 0, keepMs });
}

function told(n: number, ...entries: DetailEntry[]): ClientToScheduler {
  return { t: "runDetails", run: n as never, entries };
}

function answered<A>(stage: Stage, question: object, client = 1): A {
  stage.told(client);
  stage.say(client, { t: "ask", id: 1, question: question as never });
  return (stage.told(client).at(-1) as unknown as { value: A }).value;
}

function ask(stage: Stage, { of = 0, since = 0, limit = 100, client = 1 } = {}): PageDetails {
  return answered(stage, { q: "pageDetails", run: of, since, limit }, client);
}

const seen = ({ items }: PageDetails): string[] => items.map(({ run: of, entry }) => `${of} ${textOf(entry)}`);

describe("details in the machine", () => {
  it("are answered page by page, of one run and of all, with when they came", () => {
    const stage = new Stage();
    stage.client();
    open(stage, 1);
    open(stage, 2);
    stage.say(1, told(1, header, remark("one")));
    stage.now += 500;
    stage.say(1, told(2, remark("two")));
    stage.say(1, told(1, remark("three")));
    const runs = answered<{ runs: PageRun[]; lastDetail: number }>(stage, { q: "pageOverview" });
    const [first, second] = runs.runs.filter(({ name }) => name.startsWith("run "));
    expect([first?.kind, second?.kind, runs.lastDetail]).toEqual(["search", "", 4]);
    const page = ask(stage, { limit: 3 });
    expect(seen(page)).toEqual([`${first?.run} search`, `${first?.run} one`, `${second?.run} two`]);
    expect(page.items.map(({ at }) => at - page.items[0]!.at)).toEqual([0, 0, 500]);
    expect(page).toMatchObject({ last: 3, missed: 0, now: stage.now });
    expect(ask(stage, { since: page.last, limit: 3 })).toMatchObject({ items: [{ seq: 4 }], last: 4 });
    const own = ask(stage, { of: first!.run });
    expect(seen(own).map((text) => text.split(" ")[1])).toEqual(["search", "one", "three"]);
    expect(ask(stage, { of: second!.run })).toMatchObject({ items: [{ seq: 3 }], last: 4 });
    expect(ask(stage, { since: 4 })).toMatchObject({ items: [], last: 4 });
  });

  it("of the session itself, of runs that are not known and that have closed are left out", () => {
    const stage = new Stage();
    stage.client();
    open(stage, 1);
    for (const n of [0, 7, 1]) stage.say(1, told(n, remark(`run ${n}`)));
    stage.say(1, { t: "closeRun", run: 1 as never, outcome: "done" });
    stage.say(1, told(1, remark("too late")));
    expect(ask(stage).items.map(({ entry }) => textOf(entry))).toEqual(["run 1"]);
  });

  it("of a client that left stay for those who watch, also while its detached run goes on", () => {
    const stage = new Stage();
    stage.client();
    stage.client(2);
    open(stage, 1);
    open(stage, 2, { keepMs: 1000 });
    stage.say(1, told(1, header), told(2, remark("goes on")));
    stage.speakable.delete("c1");
    stage.step({ e: "clientGone", session: 1 as never });
    expect(ask(stage, { client: 2 }).items.map(({ entry }) => textOf(entry))).toEqual(["search", "goes on"]);
    stage.pass(10_000_000);
    expect(ask(stage, { client: 2 }).items).toHaveLength(2);
  });

  it("keep to the bounds of the configuration, whoever tells", () => {
    const stage = new Stage({ detailUnitsOfRun: 2_000, detailUnitsKept: 5_000 });
    stage.client();
    for (let n = 1; n <= 8; n++) {
      open(stage, n);
      for (let i = 0; i < 10; i++) stage.say(1, told(n, remark("x".repeat(150)), remark("y")));
    }
    const page = ask(stage, { limit: 1000 });
    expect(page.items.length + page.missed).toBe(160);
    expect(page.missed).toBeGreaterThan(100);
    expect(page.items.at(-1)?.seq).toBe(160);
  });

  it("of answers make pages by their size", () => {
    const stage = new Stage();
    stage.client();
    open(stage, 1);
    for (let i = 0; i < 300; i++) stage.say(1, told(1, remark("x".repeat(2000))));
    const page = ask(stage, { limit: 1000 });
    expect(page.items.length).toBeLessThan(150);
    expect(page.last).toBe(page.items.length);
    expect(ask(stage, { since: page.last, limit: 1 }).items[0]?.seq).toBe(page.last + 1);
  });
});

describe("runs whose client left", () => {
  const runsOf = (stage: Stage): string[] =>
    answered<{ runs: PageRun[] }>(stage, { q: "pageOverview" }, 2).runs.map(
      ({ name, client, status, kind, endedAt, counts }) =>
        `${name} of ${client}: ${status}, ${counts.done}/${counts.total} ${kind} ${endedAt === null ? "open" : "ended"}`,
    );

  it("are shown on, with what they were, the last 200 of them", () => {
    const stage = new Stage();
    stage.client();
    stage.client(2);
    stage.worker(1);
    open(stage, 1);
    open(stage, 2);
    stage.say(1, told(1, header));
    stage.submit(1, 1, { run: 1 });
    stage.finish(1, stage.assigned(1)[0]!);
    stage.say(1, { t: "closeRun", run: 1 as never, outcome: "done" });
    expect(runsOf(stage)).toContain("run 1 of client-1: done, 1/1 search ended");
    stage.speakable.delete("c1");
    stage.step({ e: "clientGone", session: 1 as never });
    expect(runsOf(stage)).toEqual([
      "client-2 of client-2: open, 0/0  open",
      "run 1 of client-1: done, 1/1 search ended",
      "run 2 of client-1: cancelled, 0/0  ended",
    ]);
    for (let client = 3; client < 260; client++) {
      stage.client(client);
      open(stage, 1, { client });
      stage.speakable.delete(`c${client}`);
      stage.step({ e: "clientGone", session: client as never });
    }
    const left = runsOf(stage);
    expect(left).toHaveLength(200);
    expect(left.at(-1)).toBe("run 1 of client-259: cancelled, 0/0  ended");
    expect(left[0]).toBe("client-2 of client-2: open, 0/0  open");
  });
});
