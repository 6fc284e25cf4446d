import { describe, expect, test } from "vitest";
import { type CpuProfile, ProfileTree } from "../src/profile-tree.ts";

const runner = new URL("../src/slot/runner.ts", import.meta.url).href;
const shipped = "/app/fit-0a1b2c3d.taskflock-function.js";

interface Row {
  readonly id: number;
  readonly name: string;
  readonly url?: string;
  readonly calls?: readonly number[];
  readonly lines?: CpuProfile["nodes"][number]["positionTicks"];
}

/** `us` by node. */
function profile(rows: readonly Row[], us: Readonly<Record<number, number>>): CpuProfile {
  return {
    nodes: rows.map(({ id, name, url = "", calls = [], lines = [] }) => ({
      id,
      callFrame: { functionName: name, url, lineNumber: id, columnNumber: 0 },
      children: calls,
      positionTicks: lines,
    })),
    samples: Object.keys(us).map(Number),
    timeDeltas: Object.values(us),
  };
}

const oneTask = profile(
  [
    { id: 1, name: "(root)", calls: [2, 3, 9] },
    { id: 2, name: "(idle)" },
    { id: 3, name: "#callUserFunction", url: runner, calls: [4, 8] },
    { id: 4, name: "run", url: "node:internal/async_local_storage", calls: [5] },
    { id: 5, name: "fit", url: shipped, calls: [6], lines: [{ line: 6, ticks: 3 }] },
    { id: 6, name: "inner", url: shipped, calls: [7] },
    { id: 7, name: "(garbage collector)" },
    { id: 8, name: "encode", url: runner },
    { id: 9, name: "(garbage collector)" },
  ],
  { 2: 1000, 3: 10, 4: 20, 5: 300, 6: 4000, 7: 50, 8: 60, 9: 7 },
);

describe("a tree of the user's code", () => {
  test("begins at what the runner calls; all else is counted as idle, garbage or other", () => {
    const tree = new ProfileTree();
    tree.add(oneTask);
    const inner = { name: "inner", selfUs: 4000, calls: [{ name: "(garbage collector)", selfUs: 50, calls: [] }] };
    expect(tree.report()).toMatchObject({
      functions: [{ name: "fit", url: shipped, line: 5, selfUs: 300, lines: { 6: 3 }, calls: [inner] }],
      idleUs: 1000,
      garbageUs: 7,
      otherUs: 90,
    });
    expect(tree.report().functions).toHaveLength(1);
  });

  test("adds up several threads", () => {
    const tree = new ProfileTree();
    for (let thread = 0; thread < 3; thread++) tree.add(oneTask);
    expect(tree.report()).toMatchObject({ functions: [{ selfUs: 900, lines: { 6: 9 } }], idleUs: 3000 });
  });

  test("takes what another process sampled", () => {
    const [here, there] = [new ProfileTree(), new ProfileTree()];
    there.add(oneTask);
    here.add(oneTask);
    here.merge(JSON.parse(JSON.stringify(there.report())));
    expect(here.report()).toMatchObject({ functions: [{ selfUs: 600, lines: { 6: 6 } }], idleUs: 2000, otherUs: 180 });
  });

  test("has what goes on after an await, which nobody calls", () => {
    const tree = new ProfileTree();
    tree.add(
      profile(
        [
          { id: 1, name: "(root)", calls: [2] },
          { id: 2, name: "processTicksAndRejections", url: "node:internal/process/task_queues", calls: [3] },
          { id: 3, name: "later", url: shipped },
        ],
        { 3: 5, 2: 1 },
      ),
    );
    expect(tree.report()).toMatchObject({ functions: [{ name: "later", selfUs: 5 }], otherUs: 1 });
  });

  test("takes a stack of any depth, and an empty profile", () => {
    const deep = Array.from({ length: 50_000 }, (_, i) => ({
      id: i + 1,
      name: "f",
      url: shipped,
      calls: i === 49_999 ? [] : [i + 2],
    }));
    const tree = new ProfileTree();
    tree.add(profile(deep, { 50000: 1 }));
    tree.add({ nodes: [], samples: [], timeDeltas: [] });
    expect(tree.report().functions).toHaveLength(1);
  });
});
