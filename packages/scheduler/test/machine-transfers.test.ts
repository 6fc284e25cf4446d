import type { Moved, PageTransfers } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { Stage } from "./machine-stage.ts";

type Source = Moved["sources"][number];
const from = (worker: number, bytes: number, more: Partial<Source> = {}): Source => ({
  ...{ from: worker as never, bytes, count: 1, us: 10, failures: 0 },
  ...more,
});

function ask(stage: Stage): PageTransfers {
  stage.told();
  stage.say(1, { t: "ask", id: 1, question: { q: "pageTransfers" } as never });
  return (stage.told().at(-1) as unknown as { value: PageTransfers }).value;
}

function overview(stage: Stage): { movedBytes: number } {
  stage.told();
  stage.say(1, { t: "ask", id: 2, question: { q: "pageOverview" } as never });
  return (stage.told().at(-1) as unknown as { value: { movedBytes: number } }).value;
}

const shown = ({ pairs }: PageTransfers): string[] =>
  pairs.map(
    ({ from: source, to, bytes, count, us, failures }) => `${source} > ${to}: ${bytes} ${count} ${us} ${failures}`,
  );

describe("what moved between workers", () => {
  it("is added up by pairs, with clients as one source", () => {
    const stage = new Stage();
    stage.client();
    for (const id of [1, 2, 3]) stage.worker(id);
    stage.tell(1, { t: "moved", sources: [from(2, 100), from(0, 50)], large: [] });
    stage.tell(1, { t: "moved", sources: [from(2, 300, { count: 3, us: 20, failures: 2 })], large: [] });
    stage.tell(3, { t: "moved", sources: [from(1, 70)], large: [] });
    const page = ask(stage);
    expect(shown(page)).toEqual(["w2 > w1: 400 4 30 2", "w1 > w3: 70 1 10 0", "client > w1: 50 1 10 0"]);
    expect(page.totalBytes).toBe(520);
    expect(overview(stage).movedBytes).toBe(520);
    expect(stage.machine.moved()).toEqual({ bytes: 520, count: 6, failures: 2 });
  });

  it("keeps the names of workers that left, however late it is told", () => {
    const stage = new Stage();
    stage.client();
    for (const id of [1, 2]) stage.worker(id);
    stage.lose(2);
    stage.tell(1, { t: "moved", sources: [from(2, 100), from(77, 1)], large: [] });
    stage.lose(1);
    expect(shown(ask(stage))).toEqual(["w2 > w1: 100 1 10 0", "worker 77 > w1: 1 1 10 0"]);
  });

  it("has the last large ones with their keys and times, the newest first", () => {
    const stage = new Stage();
    stage.client();
    for (const id of [1, 2]) stage.worker(id);
    stage.submit(1, 1, { key: "matrix", fingerprint: "f" });
    const holder = [1, 2].find((id) => stage.workerBox.get(id)?.some(({ t }) => t === "assign"))!;
    const reader = 3 - holder;
    const { task } = stage.assigned(holder)[0]!;
    stage.now += 10_000;
    const one = { from: holder as never, bytes: 70_000, us: 500 };
    const large = [
      { ...one, task: 0 as never, agoUs: 900 },
      { ...one, task, agoUs: 300 },
    ];
    stage.tell(reader, { t: "moved", sources: [], large });
    const common = { from: `w${holder}`, to: `w${reader}`, bytes: 70_000, us: 500 };
    expect(ask(stage).recent).toEqual([
      { ...common, endedAt: stage.now - 300, key: "matrix" },
      { ...common, endedAt: stage.now - 900, key: "" },
    ]);
  });

  it("is bounded: the pairs with the most bytes, and the last 200 large ones", () => {
    const stage = new Stage();
    stage.client();
    stage.check = "none";
    for (let id = 1; id <= 60; id++) stage.worker(id);
    const one = { task: 0 as never, bytes: 100_000, us: 5, agoUs: 0 };
    let bytes = 0;
    for (let to = 1; to <= 60; to++) {
      const sources = Array.from({ length: 60 }, (_, i) => from(i + 1, 100 * to + i)).filter((_, i) => i + 1 !== to);
      bytes += sources.reduce((sum, source) => sum + source.bytes, 0);
      stage.tell(to, { t: "moved", sources, large: new Array(8).fill({ ...one, from: 1 as never }) });
    }
    stage.machine.checkInvariants("all");
    const page = ask(stage);
    expect(page.pairs).toHaveLength(1000);
    expect(page.pairs[0]).toMatchObject({ from: "w59", to: "w60", bytes: 6058 });
    expect(page.pairs.every((pair, i) => pair.bytes <= (page.pairs[i - 1]?.bytes ?? 1e9))).toBe(true);
    // The largest 1,000 of 3,540: nobody is left out who has more than those who are shown.
    expect(page.pairs.at(-1)!.bytes).toBeGreaterThanOrEqual(4300);
    expect(page.recent).toHaveLength(200);
    expect(page.totalBytes).toBe(bytes);
  });
});
