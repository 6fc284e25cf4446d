// What a worker tells of the data that came to it.

import { MOVED_SOURCES, type TaskId, type WorkerId } from "@taskflock/protocol";
import { describe, expect, it } from "vitest";
import { FROM_CLIENT, MovedCounts } from "../src/moved.ts";

const worker = (n: number): WorkerId => n as WorkerId;
const task = (n: number): TaskId => n as TaskId;
const KIB = 1024;

describe("what came to a worker", () => {
  it("is counted by its source, and told once", () => {
    const moved = new MovedCounts();
    const began = performance.now() - 5;
    moved.add(worker(2), task(1), 1000, began);
    moved.add(worker(2), task(2), 500, began);
    moved.failed(worker(2), began);
    moved.add(FROM_CLIENT, task(3), 7, began);
    const told = moved.take();
    expect(told).toMatchObject({
      t: "moved",
      sources: [
        { from: 2, bytes: 1500, count: 2, failures: 1 },
        { from: 0, bytes: 7, count: 1, failures: 0 },
      ],
      large: [],
    });
    expect(told?.sources[0]?.us).toBeGreaterThanOrEqual(15_000);
    expect(moved.take()).toBeNull();
  });

  it("from very many sources is told in several messages, each source once", () => {
    const moved = new MovedCounts();
    for (let n = 1; n <= 150; n++) moved.add(worker(n), task(n), n, performance.now());
    const sizes: number[] = [];
    const seen: number[] = [];
    for (let told = moved.take(); told !== null; told = moved.take()) {
      sizes.push(told.sources.length);
      seen.push(...told.sources.map(({ from }) => from));
    }
    expect(sizes).toEqual([MOVED_SOURCES, MOVED_SOURCES, 150 - 2 * MOVED_SOURCES]);
    expect(seen).toEqual(Array.from({ length: 150 }, (_, i) => i + 1));
  });

  it("names the largest eight, and none that is small", () => {
    const moved = new MovedCounts();
    const sizes = [70, 900, 80, 63, 300, 100, 200, 90, 500, 400, 600, 1];
    for (const [i, size] of sizes.entries()) moved.add(worker(1), task(i), size * KIB, performance.now() - 2);
    const told = moved.take();
    expect(told?.large.map(({ bytes }) => bytes / KIB)).toEqual([900, 600, 500, 400, 300, 200, 100, 90]);
    expect(told?.large[0]).toMatchObject({ task: 1, from: 1 });
    for (const { us, agoUs } of told?.large ?? []) {
      expect(us).toBeGreaterThanOrEqual(2000);
      expect(agoUs).toBeGreaterThanOrEqual(0);
    }
    moved.add(worker(1), task(50), 64 * KIB, performance.now());
    expect(moved.take()?.large.map(({ task: id }) => id)).toEqual([50]);
  });
});
