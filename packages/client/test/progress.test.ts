import { afterEach, beforeEach, expect, test } from "vitest";
import { type Client, progress, type Run, range } from "../src/index.ts";
import { prefixed } from "../src/logs.ts";
import { bar } from "../src/progress.ts";
import { printLines, StatusLine } from "../src/terminal.ts";
import { TestCluster } from "./cluster-harness.ts";

class Screen {
  readonly isTTY: boolean;
  readonly columns: number;
  text = "";
  constructor(isTTY: boolean, columns = 100) {
    this.isTTY = isTTY;
    this.columns = columns;
  }
  write(text: string): void {
    this.text += text;
  }
}

let cluster: TestCluster;
let client: Client;
beforeEach(async () => {
  cluster = await TestCluster.start();
  client = await cluster.connect();
});
afterEach(() => cluster.close());

test("of futures: the last line tells all, failures too, and nothing is thrown", async () => {
  const screen = new Screen(true);
  const futures = client.map((x: number) => {
    if (x === 3) throw new Error("no");
    return x;
  }, range(10));
  await progress(futures, { stream: screen, label: "numbers" });
  expect(screen.text.split("\r\x1b[2K").at(-1)).toMatch(/^numbers \[#{30}\] {2}10\/10 {2}\d+\.\d s, 1 failed\n$/);
});

test("whole on a terminal that does not say how wide it is", async () => {
  const screen = new Screen(true, 0);
  await progress([client.submit(() => 1, [])], { stream: screen });
  expect(screen.text).toMatch(/1\/1 {2}\d+\.\d s\n$/);
});

test("silent where there is no terminal", async () => {
  const screen = new Screen(false);
  await progress(
    client.map((x: number) => x, range(10)),
    { stream: screen },
  );
  await progress([], { stream: screen });
  expect(screen.text).toBe("");
});

test("of a run of one's own: its steps, until it is closed", async () => {
  const screen = new Screen(true);
  const run = client.run("epochs", { steps: 4 });
  const followed = progress(run, { stream: screen });
  run.step();
  run.step(3);
  run.close();
  run.step();
  await followed;
  expect(screen.text).toMatch(/epochs \[#{30}\] {2}4\/4 .*\n$/);
});

test("of a run without steps: its tasks", async () => {
  const screen = new Screen(true);
  const run = client.run("batch");
  const followed = progress(run, { stream: screen });
  await client.gather(client.map((x: number) => x, range(20), { run }));
  await expect.poll(() => run.counts.done).toBe(20);
  run.close();
  await followed;
  expect(screen.text).toContain("20/20");
});

test("of a search or another run with events, also of one that fails", async () => {
  const screen = new Screen(true);
  let done = 0;
  const run: Run<never, number> = {
    name: "search",
    status: "running",
    get done() {
      return done;
    },
    total: 2,
    result: () => Promise.reject(new Error("no")),
    stop: async () => {},
    cancel: async () => {},
    async *[Symbol.asyncIterator]() {
      while (done < 2) yield ++done;
    },
  };
  await progress(run, { stream: screen });
  expect(screen.text).toContain("search [##############################]  2/2");
});

test("a bar without a known total, and one in the middle", () => {
  expect(bar({ label: "x", done: 7, total: 0, failed: 0, seconds: 1 })).toBe(`x [${"-".repeat(30)}]  7  1.0 s`);
  expect(bar({ label: "x", done: 5, total: 10, failed: 0, seconds: 1 })).toBe(
    `x [${"#".repeat(15)}${"-".repeat(15)}]   5/10  1.0 s`,
  );
});

test("lines of tasks appear above the bar, each with its origin", () => {
  expect(prefixed({ worker: "w1", key: "f-1", stream: "stdout", text: "a\nb\n" })).toBe("[w1 f-1] a\n[w1 f-1] b\n");
  expect(prefixed({ worker: "scheduler", key: "", stream: "stderr", text: "a" })).toBe("[scheduler] a\n");
  const screen = new Screen(true);
  const line = new StatusLine(screen);
  line.draw("bar");
  printLines(screen, "one\n");
  line.finish("bar");
  printLines(screen, "two\n");
  expect(screen.text).toBe("\r\x1b[2Kbar\r\x1b[2Kone\nbar\r\x1b[2Kbar\ntwo\n");
});
