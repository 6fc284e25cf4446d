import type { FeedPoint, PageTransfers } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import {
  describeCell,
  intensity,
  matrixOf,
  meanRate,
  OTHERS,
  rateNow,
  transferSentences,
} from "../../web/pages/transfers/transfers-model.ts";

const MiB = 1024 * 1024;
type Pair = PageTransfers["pairs"][number];

function pair(from: string, to: string, bytes: number, changes: Partial<Pair> = {}): Pair {
  return { from, to, bytes, count: 1, us: bytes / 100, failures: 0, ...changes };
}
function sentences(pairs: readonly Pair[]): string[] {
  return transferSentences({ pairs, totalBytes: pairs.reduce((sum, { bytes }) => sum + bytes, 0) });
}
function point(at: number, movedBytes: number): FeedPoint {
  const nothing = { ended: 0, queued: 0, running: 0, busy: 0, slots: 0, storedBytes: 0, rssBytes: 0, spilledBytes: 0 };
  return { at, movedBytes, ...nothing };
}

describe("the matrix of transfers", () => {
  it("has the workers that moved most first, and each pair in its cell", () => {
    const matrix = matrixOf([pair("a", "b", 10), pair("c", "b", 30), pair("b", "a", 5)]);
    expect(matrix.names).toEqual(["b", "c", "a"]);
    expect(matrix.folded).toBe(0);
    expect(matrix.mostBytes).toBe(30);
    const cell = (from: string, to: string) => matrix.cells[matrix.names.indexOf(from) * 3 + matrix.names.indexOf(to)];
    expect(cell("c", "b")?.bytes).toBe(30);
    expect(cell("b", "a")?.bytes).toBe(5);
    expect(cell("a", "c")).toBeNull();
  });

  it("folds those beyond the limit into one, with their sums", () => {
    const pairs = Array.from({ length: 60 }, (_, at) => pair(`w${at}`, "hub", 1000 - at, { failures: 1 }));
    const matrix = matrixOf(pairs, 40);
    expect(matrix.names).toHaveLength(41);
    expect(matrix.names.at(-1)).toBe(OTHERS);
    expect(matrix.names[0]).toBe("hub");
    expect(matrix.folded).toBe(21);
    const folded = matrix.cells[40 * 41];
    expect(folded).toMatchObject({ count: 21, failures: 21 });
    const all = matrix.cells.reduce((sum, cell) => sum + (cell?.bytes ?? 0), 0);
    expect(all).toBe(pairs.reduce((sum, { bytes }) => sum + bytes, 0));
  });

  it("is empty without pairs", () => {
    expect(matrixOf([])).toEqual({ names: [], folded: 0, cells: [], mostBytes: 0 });
  });

  it("keeps small pairs visible beside a large one, and the larger the darker", () => {
    expect(intensity(0, 100)).toBe(0);
    expect(intensity(100, 100)).toBe(1);
    expect(intensity(1, 1e9)).toBeCloseTo(0.12);
    expect(intensity(10, 1000)).toBeGreaterThan(intensity(1, 1000));
  });

  it("says a cell in words", () => {
    expect(describeCell("a", "b", { bytes: 3 * MiB, count: 3, us: 1e6, failures: 0 })).toBe(
      "a to b: 3.00 MiB in 3 fetches, 3.00 MiB/s",
    );
    expect(describeCell("a", "b", { bytes: 10, count: 1, us: 0, failures: 2 })).toBe(
      "a to b: 10 B in 1 fetch, 2 failed",
    );
    expect(describeCell("a", "b", null)).toBe("a to b: nothing");
  });
});

describe("rates", () => {
  it("are bytes over the time that the fetches took", () => {
    expect(meanRate({ bytes: 2 * MiB, us: 500_000 })).toBe(4 * MiB);
    expect(meanRate({ bytes: 5, us: 0 })).toBeNull();
  });

  it("of the present are those of the last seconds", () => {
    const points = [point(0, 0), point(1000, 9000), point(4000, 9000), point(5000, 9000), point(6000, 10_000)];
    expect(rateNow(points)).toBe((10_000 - 9000) / 5);
    expect(rateNow([point(0, 0), point(2000, 500)])).toBe(250);
    expect(rateNow([point(0, 7)])).toBeNull();
    expect(rateNow([])).toBeNull();
  });

  it("are never below nothing, e.g. after a scheduler began anew", () => {
    expect(rateNow([point(0, 5000), point(5000, 0)])).toBe(0);
  });
});

describe("sentences about transfers", () => {
  it("say that nothing moved", () => {
    expect(sentences([])).toEqual([expect.stringMatching(/^Nothing has moved between workers/)]);
  });

  it("say how much moved and how fast, and that nothing stands out", () => {
    const pairs = [pair("a", "b", 8 * MiB), pair("b", "c", 8 * MiB), pair("c", "a", 8 * MiB)];
    expect(sentences(pairs)).toEqual([
      "24.0 MiB moved in 3 fetches, at 95.4 MiB/s on average.",
      "No worker stands out as slow, and none sends most of it.",
    ]);
  });

  it("name a worker that sends slowly", () => {
    const pairs = [pair("a", "b", 8 * MiB), pair("b", "c", 8 * MiB), pair("c", "a", 8 * MiB, { us: 8e6 })];
    expect(sentences(pairs)).toContainEqual(
      "What c sends is slow: 1.00 MiB/s, where others have 95.4 MiB/s. Look at its network, and at how busy it is.",
    );
  });

  it("do not call one slow that moved next to nothing", () => {
    const pairs = [pair("a", "b", 8 * MiB), pair("b", "a", 8 * MiB), pair("c", "a", 100, { us: 1e6 })];
    expect(sentences(pairs).join(" ")).not.toContain("What c sends");
  });

  it("name a worker that sends most of it", () => {
    const pairs = ["b", "c", "d"].map((to) => pair("a", to, 8 * MiB));
    expect(sentences([...pairs, pair("b", "c", MiB)])[1]).toBe(
      "a sent 96 % of it to 3 workers: data that many tasks need is there. Give it to more workers with client.replicate(), or split it.",
    );
    // Of two, one always sends most of it.
    expect(sentences([pair("a", "b", 8 * MiB)])).toHaveLength(1);
    const two = [pair("a", "b", 8 * MiB), pair("b", "a", 4 * MiB), pair("client", "a", MiB), pair("client", "b", MiB)];
    expect(sentences(two)[1]).toBe("No worker stands out as slow, and none sends most of it.");
  });

  it("name where fetches fail", () => {
    const pairs = [pair("a", "b", 10, { failures: 3 }), pair("b", "a", 10, { failures: 1 })];
    expect(sentences(pairs)[1]).toBe("4 fetches failed and went on from elsewhere or again; 3 from a to b.");
  });
});
