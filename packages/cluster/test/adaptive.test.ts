import { FlockError, type ScaleAdvice } from "@taskflock/client";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Adaptive, type AdaptOptions, type Supplier } from "../src/adaptive.ts";

const quiet: ScaleAdvice = {
  workers: 0,
  wanted: 0,
  demands: [],
  mayGo: [],
  runnable: 0,
  workMs: 0,
  storedBytes: 0,
  memoryLimitBytes: 0,
};

/** A cluster of which a test says what is wanted and who is busy; it never removes a worker that is busy. */
class ModelCluster implements Supplier {
  readonly slotsPerWorker = 1;
  readonly names: string[] = [];
  readonly busy: Set<string> = new Set();
  readonly removed: string[] = [];
  wanted = 0;
  demands: ScaleAdvice["demands"] = [];
  refuses = false;
  #last = 0;

  workers(): readonly string[] {
    return [...this.names];
  }

  async supply(count: number): Promise<void> {
    if (this.refuses) throw new FlockError("FLOCK_CLUSTER_START", "no machine is free");
    for (let i = 0; i < count; i++) this.names.push(`m${++this.#last}`);
  }

  async remove(names: readonly string[]): Promise<readonly string[]> {
    const gone = names.filter((name) => !this.busy.has(name));
    for (const name of gone) {
      if (!this.names.includes(name)) throw new Error(`${name} is not there`);
      this.names.splice(this.names.indexOf(name), 1);
      this.removed.push(name);
    }
    return gone;
  }

  async advice(): Promise<ScaleAdvice> {
    const mayGo = ["foreign", ...this.names.filter((name) => !this.busy.has(name))];
    return { ...quiet, workers: this.names.length, wanted: this.wanted, demands: this.demands, mayGo };
  }

  canServe({ resources }: ScaleAdvice["demands"][number]): boolean {
    return Object.keys(resources).every((name) => name === "GPU");
  }
}

async function rounds(adaptive: Adaptive, count: number, fromMs = 0): Promise<void> {
  for (let i = 0; i < count; i++) await adaptive.round(fromMs + i * adaptive.options.intervalMs);
}

function model(options: Partial<AdaptOptions> = {}): { cluster: ModelCluster; adaptive: Adaptive } {
  const cluster = new ModelCluster();
  return { cluster, adaptive: new Adaptive(cluster, { minimum: 1, maximum: 10, ...options }) };
}

describe("a cluster that adapts", () => {
  it("grows at once, and shrinks after some looks in a row", async () => {
    const { cluster, adaptive } = model({ waitCount: 3 });
    await adaptive.round(0);
    expect(cluster.names).toHaveLength(1);
    cluster.wanted = 40;
    await adaptive.round(1_000);
    expect(cluster.names).toHaveLength(10);
    cluster.wanted = 0;
    await rounds(adaptive, 2, 2_000);
    expect(cluster.names).toHaveLength(10);
    await adaptive.round(4_000);
    expect(cluster.names).toHaveLength(1);
    expect(adaptive.events.map(({ kind }) => kind)).toEqual(["scaleUp", "scaleUp", "scaleDown"]);
    expect(adaptive.events.at(-1)).toMatchObject({ from: 10, to: 1, atMs: 4_000 });
  });

  it("counts anew when a worker was needed in between", async () => {
    const { cluster, adaptive } = model({ minimum: 0, waitCount: 2 });
    cluster.wanted = 2;
    await adaptive.round(0);
    cluster.wanted = 0;
    await adaptive.round(1);
    cluster.busy.add("m1");
    await adaptive.round(2);
    expect(cluster.removed).toEqual(["m2"]);
    cluster.busy.clear();
    await adaptive.round(3);
    expect(cluster.names).toEqual(["m1"]);
    await adaptive.round(4);
    expect(cluster.names).toEqual([]);
  });

  it("leaves workers alone that others started", async () => {
    const { cluster, adaptive } = model({ minimum: 0, waitCount: 1 });
    cluster.wanted = 1;
    await adaptive.round(0);
    cluster.wanted = 0;
    await rounds(adaptive, 5, 1);
    expect(cluster.removed).toEqual(["m1"]);
  });

  it("supplies workers for what its workers can serve, and tells once of what they cannot", async () => {
    const { cluster, adaptive } = model({ minimum: 0 });
    const demand = { workers: [], tasks: 5, able: 0 };
    cluster.demands = [
      { ...demand, resources: { GPU: 10_000 }, wanted: 3 },
      { ...demand, resources: { TPU: 10_000 }, wanted: 4 },
    ];
    await rounds(adaptive, 3);
    expect(cluster.names).toHaveLength(3);
    const told = adaptive.events.filter(({ kind }) => kind === "cannotServe");
    expect(told).toMatchObject([{ demand: { resources: { TPU: 10_000 } } }]);
  });

  it("tells what fails, and waits longer each time before it tries again", async () => {
    const { cluster, adaptive } = model({ intervalMs: 1_000 });
    cluster.refuses = true;
    for (let ms = 0; ms < 16_000; ms += 1_000) await adaptive.round(ms);
    const failed = adaptive.events.filter((event) => event.kind === "failed");
    expect(failed.map(({ atMs, againMs }) => [atMs, againMs])).toEqual([
      [0, 1_000],
      [1_000, 2_000],
      [3_000, 4_000],
      [7_000, 8_000],
      [15_000, 16_000],
    ]);
    expect(failed[0]).toMatchObject({ what: "scaleUp", error: { code: "FLOCK_CLUSTER_START" } });
    cluster.refuses = false;
    await adaptive.round(31_000);
    expect(cluster.names).toHaveLength(1);
  });

  it.each([
    [{}, "maximum is needed"],
    [{ minimum: 3, maximum: 2 }, "not below minimum"],
    [{ maximum: 2, minumum: 1 }, "Did you mean minimum"],
    [{ maximum: 2, waitCount: 0 }, "waitCount takes"],
    [{ maximum: 2, intervalMs: "1s" }, "intervalMs takes"],
  ])("refuses %o", (options, says) => {
    expect(() => new Adaptive(new ModelCluster(), options as AdaptOptions)).toThrow(says);
  });
});

it("whatever happens: between minimum and maximum, nobody busy goes, nobody goes before its time", async () => {
  const step = fc.record({
    wanted: fc.integer({ min: 0, max: 12 }),
    busy: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 10 }),
    dies: fc.option(fc.integer({ min: 0, max: 9 }), { freq: 5 }),
    refuses: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 0, max: 6 }),
      fc.integer({ min: 1, max: 4 }),
      fc.array(step, { maxLength: 60 }),
      async (minimum, more, waitCount, steps) => {
        const { cluster, adaptive } = model({ minimum, maximum: minimum + more, waitCount });
        const idleFor = new Map<string, number>();
        let ms = 0;
        for (const { wanted, busy, dies, refuses } of steps) {
          Object.assign(cluster, { wanted, refuses });
          cluster.busy.clear();
          for (const index of busy) if (cluster.names[index] !== undefined) cluster.busy.add(cluster.names[index]);
          if (dies !== null) cluster.names.splice(dies, 1);
          const before = [...cluster.names];
          for (const name of before) idleFor.set(name, cluster.busy.has(name) ? 0 : (idleFor.get(name) ?? 0) + 1);
          const removed = cluster.removed.length;
          await adaptive.round(ms);
          ms += 120_000; // longer than any wait after a failure
          for (const name of cluster.removed.slice(removed)) {
            expect(cluster.busy.has(name)).toBe(false);
            expect(idleFor.get(name)).toBeGreaterThanOrEqual(waitCount);
          }
          expect(cluster.names.length).toBeLessThanOrEqual(minimum + more);
          if (!refuses) expect(cluster.names.length).toBeGreaterThanOrEqual(Math.min(wanted, minimum + more));
          if (!refuses) expect(cluster.names.length).toBeGreaterThanOrEqual(minimum);
        }
        Object.assign(cluster, { wanted: 0, refuses: false });
        cluster.busy.clear();
        await rounds(adaptive, waitCount + 1, ms + 120_000);
        expect(cluster.names).toHaveLength(minimum);
      },
    ),
  );
});
