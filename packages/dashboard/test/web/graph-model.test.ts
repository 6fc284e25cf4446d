import type { PageGraph, TaskStatus } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import {
  againMs,
  describeNode,
  drawGraph,
  functionTable,
  graphSentence,
  layerTable,
} from "../../web/pages/graph/graph-model.ts";
import { fit, neighbour, nodeAt, pan, reveal, rowsOf, toScreen, zoom } from "../../web/pages/graph/viewport.ts";

const statuses: readonly TaskStatus[] = ["waiting", "queued", "assigned", "running", "done", "failed", "cancelled"];
const names = { 1: "load", 2: "fit", 3: "best" };

/** Two loads, three fits of them, one best of all. */
function graph(changes: Partial<PageGraph> = {}): PageGraph {
  return {
    now: 0,
    task: [11, 12, 21, 22, 23, 31],
    fn: [1, 1, 2, 2, 2, 3],
    count: [1, 1, 1, 1, 1, 1],
    status: [4, 4, 3, 3, 1, 0],
    statuses,
    groups: [],
    from: [0, 0, 1, 2, 3, 4],
    to: [2, 3, 4, 5, 5, 5],
    names,
    total: 6,
    isWhole: true,
    ...changes,
  };
}
/** The same in groups: loads, fits; and the best, alone. */
const grouped = graph({
  task: [0, 0, 31],
  fn: [1, 2, 3],
  count: [2000, 3000, 1],
  status: [-1, -1, 0],
  groups: [
    [0, 0, 0, 0, 2000, 0, 0],
    [0, 1000, 0, 50, 1949, 1, 0],
  ],
  from: [0, 1],
  to: [1, 2],
  total: 5001,
});

describe("the graph's drawing", () => {
  it("has a node per task, with its function and status, in layers", () => {
    const { nodes, layout } = drawGraph(graph(), null);
    expect(nodes.map(({ fn, status, layer }) => [fn, status, layer])).toEqual([
      ["load", "done", 0],
      ["load", "done", 0],
      ["fit", "running", 1],
      ["fit", "running", 1],
      ["fit", "queued", 1],
      ["best", "waiting", 2],
    ]);
    expect(layout.members).toHaveLength(3);
  });

  it("shows of a group how many there are, and colours it by what most needs to be seen", () => {
    const { nodes } = drawGraph(grouped, null);
    expect(nodes[0]).toMatchObject({ task: 0, count: 2000, status: "done" });
    expect(nodes[1]).toMatchObject({
      status: "failed",
      counts: [
        ["queued", 1000],
        ["running", 50],
        ["done", 1949],
        ["failed", 1],
      ],
    });
    expect(nodes[2]).toMatchObject({ task: 31, count: 1, status: "waiting" });
    expect(describeNode(nodes[1]!)).toBe("fit: 3,000 tasks, 1,000 queued, 50 running, 1,949 done, 1 failed");
    expect(describeNode(nodes[2]!)).toBe("best, waiting");
  });

  it("keeps the layout itself while only the statuses change", () => {
    const first = drawGraph(graph(), null);
    const second = drawGraph(graph({ status: [4, 4, 4, 4, 4, 3] }), first);
    expect(second.layout).toBe(first.layout);
    expect(second.nodes[5]!.status).toBe("running");
  });

  it("leaves tasks where they were when others are added, whatever number they have in the new answer", () => {
    const first = drawGraph(graph(), null);
    const more = graph({
      task: [99, ...graph().task],
      fn: [3, ...graph().fn],
      count: [1, ...graph().count],
      status: [0, ...graph().status],
      from: graph()
        .from.map((node) => node + 1)
        .concat(6),
      to: graph()
        .to.map((node) => node + 1)
        .concat(0),
      total: 7,
    });
    const second = drawGraph(more, first);
    expect([...second.layout.x.slice(1)]).toEqual([...first.layout.x]);
    expect(second.layout.y[0]).toBe(3);
  });

  it("leaves groups where they were when their counts change", () => {
    const first = drawGraph(grouped, null);
    const second = drawGraph(
      { ...grouped, count: [2000, 3500, 1], groups: [grouped.groups[0]!, [0, 0, 0, 0, 3500, 0, 0]] },
      first,
    );
    expect(second.layout).toBe(first.layout);
    expect(second.nodes[1]).toMatchObject({ count: 3500, status: "done", counts: [["done", 3500]] });
  });

  it("names data, which no function made", () => {
    expect(drawGraph(graph({ fn: [0, 1, 2, 2, 2, 3] }), null).nodes[0]!.fn).toBe("data");
  });

  it("says in words what is drawn", () => {
    expect(graphSentence(drawGraph(graph(), null))).toBe("6 tasks in 3 layers.");
    expect(graphSentence(drawGraph(grouped, null))).toBe(
      "5,001 tasks in 3 layers, drawn as 3 nodes: tasks of one function with like neighbours are one.",
    );
    expect(graphSentence(drawGraph(graph({ total: 9000, isWhole: false }), null))).toBe(
      "6 tasks in 3 layers. The scheduler knows 9,000 tasks here; the others are left out.",
    );
    expect(graphSentence(drawGraph(graph({ isWhole: false }), null))).toBe(
      "6 tasks in 3 layers. There are more dependencies than are drawn.",
    );
  });

  it("is a table by layer and function for those who do not see it", () => {
    expect(layerTable(drawGraph(graph(), null))).toEqual([
      { layer: 0, fn: "load", count: 2, counts: [["done", 2]] },
      {
        layer: 1,
        fn: "fit",
        count: 3,
        counts: [
          ["queued", 1],
          ["running", 2],
        ],
      },
      { layer: 2, fn: "best", count: 1, counts: [["waiting", 1]] },
    ]);
  });

  it("is asked for less often the more tasks there are", () => {
    expect([againMs(10), againMs(10_000), againMs(200_000)]).toEqual([2000, 5000, 15_000]);
  });

  it("counts by function how far each is", () => {
    expect(functionTable(drawGraph(grouped, null))).toEqual([
      { fn: "load", total: 2000, done: 2000, failed: 0, cancelled: 0, running: 0 },
      { fn: "fit", total: 3000, done: 1949, failed: 1, cancelled: 0, running: 50 },
      { fn: "best", total: 1, done: 0, failed: 0, cancelled: 0, running: 0 },
    ]);
  });

  it("is empty without tasks", () => {
    const empty = drawGraph(graph({ task: [], fn: [], count: [], status: [], from: [], to: [], total: 0 }), null);
    expect(graphSentence(empty)).toBe("");
    expect(layerTable(empty)).toEqual([]);
  });
});

describe("the graph's viewport", () => {
  const size = { width: 800, height: 600 };
  const { layout } = drawGraph(graph(), null);
  const view = fit(layout, size);
  const rows = rowsOf(layout);

  it("shows all of it", () => {
    for (let node = 0; node < 6; node++) {
      const { x, y } = toScreen(view, layout.x[node]!, layout.y[node]!);
      expect(x > 0 && x < size.width && y > 0 && y < size.height).toBe(true);
    }
  });

  it("finds the node under a point, and none beside it", () => {
    for (let node = 0; node < 6; node++) {
      const { x, y } = toScreen(view, layout.x[node]!, layout.y[node]!);
      expect(nodeAt(layout, rows, view, x + 3, y - 3)).toBe(node);
    }
    expect(nodeAt(layout, rows, view, 2, 2)).toBe(-1);
    expect(nodeAt(layout, rows, view, 400, 10_000)).toBe(-1);
  });

  it("keeps what is under the point when it zooms, and has limits", () => {
    const at = toScreen(view, layout.x[3]!, layout.y[3]!);
    const near = zoom(view, 1.5, at);
    expect(toScreen(near, layout.x[3]!, layout.y[3]!)).toEqual({ x: expect.closeTo(at.x), y: expect.closeTo(at.y) });
    expect(zoom(view, 1e9, at).scale).toBe(240);
    expect(zoom(view, 1e-9, at).scale).toBe(2);
  });

  it("moves as little as needed to show a node", () => {
    expect(reveal(view, layout.x[0]!, layout.y[0]!, size)).toEqual(view);
    const away = pan(view, -5000, 0);
    const shown = toScreen(reveal(away, layout.x[0]!, layout.y[0]!, size), layout.x[0]!, layout.y[0]!);
    expect(shown.x).toBeCloseTo(60, 6);
  });

  it("goes from node to node by arrow keys, and stays at the rims", () => {
    expect(neighbour(layout, rows, -1, "down")).toBe(layout.members[0]![0]);
    const [first, second] = layout.members[0]!;
    expect(neighbour(layout, rows, first!, "right")).toBe(second);
    expect(neighbour(layout, rows, second!, "right")).toBe(second);
    expect(neighbour(layout, rows, first!, "up")).toBe(first);
    expect(layout.members[1]).toContain(neighbour(layout, rows, first!, "down"));
    expect(neighbour(layout, rows, 5, "down")).toBe(5);
    expect(layout.members[1]).toContain(neighbour(layout, rows, 5, "up"));
  });
});
