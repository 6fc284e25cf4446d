import { expect, test } from "vitest";
import { MemoryWatch } from "../src/memory-watch.ts";

const MIB = 1024 * 1024;

function bench(shares: { memorySpill?: number; memoryPause?: number } = {}) {
  const said: string[] = [];
  let grows = true;
  const watch = new MemoryWatch(
    { memoryLimitBytes: 100 * MIB, memorySpill: 0.7, memoryPause: 0.8, ...shares },
    {
      mayGrow: (may) => {
        grows = may;
      },
      pausing: (paused, reason) => said.push(`${paused ? "pause" : "resume"}: ${reason}`),
    },
  );
  const look = (mib: number, busy = true): string[] => {
    watch.judge(mib * MIB, busy);
    return said.splice(0);
  };
  return { look, grows: () => grows };
}

test("above the first share results get no more memory", () => {
  const { look, grows } = bench();
  look(70);
  expect(grows()).toBe(true);
  look(71);
  expect(grows()).toBe(false);
  look(60);
  expect(grows()).toBe(true);
});

test("above the second the worker is paused, and goes on clearly below it", () => {
  const { look } = bench();
  expect(look(80)).toEqual([]);
  expect(look(81)).toEqual(["pause: it takes 81 MiB of 100 MiB; no new tasks above 80 %"]);
  expect(look(90)).toEqual([]);
  expect(look(76)).toEqual([]);
  expect(look(75)).toEqual(["resume: it takes 75 MiB of 100 MiB"]);
});

test("a worker in which nothing runs is not paused, and one that is paused goes on: waiting would free nothing", () => {
  const { look } = bench();
  expect(look(95, false)).toEqual([]);
  expect(look(95)).toHaveLength(1);
  const said = [look(95, false), look(95, false), look(95, false), look(95, false)];
  expect(said.flat()).toEqual(["resume: it takes 95 MiB of 100 MiB, and nothing runs that could give some back"]);
  expect(said[3]).toHaveLength(1);
  expect(look(95, false)).toEqual([]);
  expect(look(95)).toHaveLength(1);
});

test("shares that are off do nothing", () => {
  const { look, grows } = bench({ memorySpill: 0, memoryPause: 0 });
  expect(look(99)).toEqual([]);
  expect(grows()).toBe(true);
});
