// The flame graph's model, and the files that a profile is saved as.
import { describe, expect, it } from "vitest";
import {
  boxesOf,
  framesOf,
  mergedProfiles,
  type ProfiledCall,
  pathOf,
  placeOf,
  search,
  selfTable,
  stepFrom,
} from "../../web/pages/profile/flame-model.ts";
import { toCpuProfile, toSpeedscope } from "../../web/pages/profile/profile-files.ts";

const call = (name: string, line: number, selfMs: number, calls: ProfiledCall[] = []): ProfiledCall => ({
  name,
  file: "src/digits.ts",
  line,
  selfMs,
  totalMs: calls.reduce((sum, { totalMs }) => sum + totalMs, selfMs),
  lines:
    selfMs > 0
      ? [
          { line: line + 2, share: 0.75, text: "while (i < n) i++;" },
          { line: line + 5, share: 0.25 },
        ]
      : [],
  calls,
});
const profile = {
  durationMs: 1000,
  workers: ["alpha"],
  threads: 2,
  silent: 0,
  idleMs: 300,
  garbageMs: 20,
  otherMs: 80,
  // walk calls itself; dot is called by two.
  functions: [
    call("score", 40, 10, [call("dot", 10, 90)]),
    call("fit", 20, 100, [call("dot", 10, 200), call("walk", 60, 50, [call("walk", 60, 50)])]),
  ],
};
const frames = framesOf(profile);
const named = (name: string) => frames.find((frame) => frame.name === name)!;

describe("frames", () => {
  it("lie under what called them, the longest first, and never beyond it", () => {
    expect(frames.map(({ name, depth }) => `${" ".repeat(depth)}${name}`)).toEqual([
      "All tasks",
      " fit",
      "  dot",
      "  walk",
      "   walk",
      " score",
      "  dot",
    ]);
    expect(frames[0]!.totalMs).toBe(500);
    expect(named("fit")).toMatchObject({ start: 0, width: 0.8, selfMs: 100 });
    for (const frame of frames.slice(1)) {
      const parent = frames[frame.parent]!;
      expect(frame.start).toBeGreaterThanOrEqual(parent.start);
      expect(frame.start + frame.width).toBeLessThanOrEqual(parent.start + parent.width + 1e-9);
    }
    expect(framesOf({ functions: [] })).toHaveLength(1);
  });

  it("fill the width when they are zoomed, under what called them", () => {
    const boxes = boxesOf(frames, named("walk").index, 1000);
    expect(boxes.map(({ frame, left, width }) => [frame.name, Math.round(left), Math.round(width)])).toEqual([
      ["All tasks", 0, 1000],
      ["fit", 0, 1000],
      ["walk", 0, 1000],
      ["walk", 0, 500],
    ]);
    expect(boxesOf(frames, 0, 1000)).toHaveLength(7);
    expect(boxesOf(frames, 0, 4).map(({ frame }) => frame.name)).toEqual(["All tasks", "fit", "dot"]);
    expect(pathOf(frames, named("dot").index).map(({ name }) => name)).toEqual(["All tasks", "fit", "dot"]);
  });

  it("are found by name or file, and their time is counted once", () => {
    const dots = search(frames, "DOT");
    expect(dots.found.size).toBe(2);
    expect(dots.share).toBeCloseTo(0.58);
    expect(search(frames, "walk")).toMatchObject({ share: 0.2 });
    expect(search(frames, "digits.ts:60").found.size).toBe(2);
    expect(search(frames, "src/digits").share).toBeCloseTo(1);
    expect(search(frames, " ").found.size).toBe(0);
  });

  it("are walked through by keys", () => {
    const fit = named("fit").index;
    expect(stepFrom(frames, fit, "up")).toBe(0);
    expect(frames[stepFrom(frames, fit, "down")]!.name).toBe("dot");
    expect(frames[stepFrom(frames, fit, "next")]!.name).toBe("score");
    expect(stepFrom(frames, fit, "previous")).toBe(fit);
    expect(stepFrom(frames, frames.length - 1, "down")).toBe(frames.length - 1);
  });

  it("become one row per function, with its hottest line, recursion counted once", () => {
    const table = selfTable(frames);
    expect(table.map(({ name, line, selfMs, totalMs }) => ({ name, line, selfMs, totalMs }))).toEqual([
      { name: "dot", line: 12, selfMs: 290, totalMs: 290 },
      { name: "fit", line: 22, selfMs: 100, totalMs: 400 },
      { name: "walk", line: 62, selfMs: 100, totalMs: 100 },
      { name: "score", line: 42, selfMs: 10, totalMs: 100 },
    ]);
    expect(table[0]!.text).toBe("while (i < n) i++;");
    expect(table[0]!.selfShare).toBeCloseTo(0.58);
    expect(placeOf({ file: "/tmp/x/fit-0a1b2c3d.taskflock-function.js", line: 3 })).toBe("fit, line 3 of its code");
    expect(placeOf({ file: "", line: 3 })).toBe("");
    expect(placeOf({ file: "a.ts", line: 3 })).toBe("a.ts:3");
  });

  it("of two profiles are one graph", () => {
    const both = mergedProfiles(profile, { ...profile, functions: [call("fit", 20, 60, [call("dot", 10, 40)])] });
    expect(both).toMatchObject({ durationMs: 2000, threads: 2, idleMs: 600, workers: ["alpha"] });
    const fit = framesOf(both).find(({ name }) => name === "fit")!;
    expect(fit).toMatchObject({ selfMs: 160, totalMs: 500 });
    expect(fit.call!.calls.map(({ name, totalMs }) => [name, totalMs])).toEqual([
      ["dot", 240],
      ["walk", 100],
    ]);
    expect(fit.call!.lines[0]).toEqual({ line: 22, share: 0.75, text: "while (i < n) i++;" });
  });

  it("of a deep stack are found without recursion", () => {
    let deep = call("leaf", 1, 1);
    for (let i = 0; i < 5000; i++) deep = { ...call(`f${i}`, i, 0, []), totalMs: 1, calls: [deep] };
    expect(framesOf({ functions: [deep] })).toHaveLength(5002);
    expect(toCpuProfile({ ...profile, functions: [deep] }).nodes.length).toBeGreaterThan(5000);
  });
});

describe("files", () => {
  it("a .cpuprofile has each ms once", () => {
    const { nodes, samples, timeDeltas, endTime } = toCpuProfile(profile);
    expect(nodes[0]!.callFrame.functionName).toBe("(root)");
    const children = nodes.flatMap((node) => node.children);
    expect(new Set(children).size).toBe(nodes.length - 1);
    expect(samples).toHaveLength(timeDeltas.length);
    expect(endTime).toBe(900_000);
    const self = new Map<string, number>();
    for (const [i, id] of samples.entries()) {
      const { functionName } = nodes[id - 1]!.callFrame;
      self.set(functionName, (self.get(functionName) ?? 0) + timeDeltas[i]!);
    }
    expect(Object.fromEntries(self)).toEqual({
      "(idle)": 300_000,
      "(garbage collector)": 20_000,
      "(program)": 80_000,
      score: 10_000,
      dot: 290_000,
      fit: 100_000,
      walk: 100_000,
    });
    expect(nodes.find(({ callFrame }) => callFrame.functionName === "fit")!.callFrame).toMatchObject({
      url: "src/digits.ts",
      lineNumber: 19,
    });
  });

  it("speedscope's JSON has stacks with weights", () => {
    const { shared, profiles } = toSpeedscope(profile, "digits");
    const [only] = profiles;
    expect(shared.frames).toContainEqual({ name: "dot", file: "src/digits.ts", line: 10 });
    expect(shared.frames).toHaveLength(4);
    const stacks = only!.samples.map((stack, i) => [
      stack.map((f) => shared.frames[f]!.name).join(">"),
      only!.weights[i],
    ]);
    expect(Object.fromEntries(stacks)).toEqual({
      "fit>walk>walk": 50,
      "fit>walk": 50,
      "fit>dot": 200,
      fit: 100,
      "score>dot": 90,
      score: 10,
    });
    expect(only!.endValue).toBe(500);
  });
});
