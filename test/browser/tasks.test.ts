// Tasks, graph, runs and transfers as a person meets them: why a task waits, what failed first and on which line, how long a run takes
// yet, what moved between workers.

import type { Browser, Page } from "playwright-core";
import { type Client, type Future, LocalCluster } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, missing, openStatus, PHONE, picture, seriousFindings, type Watched } from "./harness.ts";

const MIB = 1024 * 1024;

const load = (day: number): number[] => Array.from({ length: 50 }, (_, row) => row * day);
const score = (rows: readonly number[], C: number): number => rows.reduce((sum, row) => sum + row * C, 0);
const best = (scores: readonly number[]): number => Math.max(...scores);

const parse = (rows: readonly string[]): number[] => {
  console.log(`reading ${rows.length} rows`);
  return rows.map((row) => {
    const value = Number(row);
    if (Number.isNaN(value)) throw new RangeError(`row ${row} is no number`);
    return value;
  });
};
const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
const make = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(7);
const size = (bytes: Uint8Array): number => bytes.length;
const half = (value: number): number => value / 2;
const wait = async (ms: number): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return ms;
};

describe.skipIf(missing !== undefined)("Tasks, graph, runs, transfers", () => {
  let browser: Browser;
  let cluster: LocalCluster;
  let client: Client;
  let workers: readonly string[];
  const kept: Future<unknown>[] = [];

  beforeAll(async () => {
    [browser, cluster] = await Promise.all([launchBrowser(), LocalCluster.start({ workers: 2, threadsPerWorker: 2 })]);
    client = await cluster.connect({ logs: "ignore" });
    workers = (await client.workers()).map(({ name }) => name).sort();
    const run = client.run("orders");
    const days = [1, 2, 3].map((day) => client.submit(load, [day], { run }));
    const scores = days.flatMap((rows) => [1, 2].map((C) => client.submit(score, [rows, C], { run })));
    const found = client.submit(best, [scores], { run });
    await found.result();
    run.close("done");
    const parsed = client.submit(parse, [["1", "2", "three"]], { key: "parse-orders" });
    const summed = client.submit(total, [parsed], { key: "total-orders" });
    const gpu = client.submit(total, [[1, 2]], { key: "needs-gpu", resources: { GPU: 1 } });
    const made = client.submit(make, [16 * MIB], { key: "made", workers: [workers[0]!] });
    const sized = client.submit(size, [made], { key: "sized", workers: [workers[1]!] });
    kept.push(...days, ...scores, found, parsed, summed, gpu, made, sized);
    await Promise.all([sized.result(), expect(summed.result()).rejects.toThrow("row three is no number")]);
  });
  afterAll(async () => {
    await client?.close();
    await Promise.all([browser?.close(), cluster?.close()]);
  });

  const open = (path: string, view?: Parameters<typeof openStatus>[3]): Promise<Watched> =>
    openStatus(browser, cluster, path, view);
  const row = (page: Page, text: string) => page.getByRole("row").filter({ hasText: text });

  test("question 3: why a task waits is on its page, two clicks from the status", async () => {
    const { page, close } = await open("/status");
    await page.getByRole("navigation").first().getByRole("link", { name: "Tasks", exact: true }).click();
    await page.getByRole("link", { name: "needs-gpu" }).click();
    const why = page.getByRole("region", { name: /^Why it is/ });
    await why.getByText(/GPU/).first().waitFor();
    await picture(page, "task-waiting");
    await close();
  });

  test("question 5: what failed first, with the user's message and line", async () => {
    const { page, close } = await open("/status/tasks");
    await page.getByRole("tab", { name: "First failures" }).click();
    const first = page
      .getByRole("table", { name: /^Failures/ })
      .getByRole("row")
      .nth(1);
    await first.getByText("RangeError: row three is no number").waitFor();
    await picture(page, "failures");
    await first.getByRole("link", { name: "parse-orders" }).click();
    const error = page.getByRole("region", { name: "Error" });
    await error.getByText("RangeError: row three is no number").first().waitFor();
    expect(await error.locator("dl").textContent()).toMatch(
      /Thrown at.*tasks\.test\.ts:\d+:\d+.*Line.*throw new RangeError\(.*Called with.*rows/s,
    );
    expect(
      await error
        .getByRole("region", { name: /^Stack/ })
        .locator(".user-line")
        .count(),
    ).toBeGreaterThan(0);
    expect(await error.getByRole("region", { name: /^Last lines/ }).textContent()).toContain("reading 3 rows");
    await picture(page, "task-failed", true);
    await page.getByRole("link", { name: "total-orders" }).click();
    await page.getByText("What failed first:").getByRole("link", { name: "parse-orders" }).waitFor();
    await close();
  });

  test("tasks can be searched, by status, function and text, and the address keeps it", async () => {
    const { page, close } = await open("/status/tasks");
    await page.getByLabel("Function").fill("score");
    await expect.poll(() => page.url()).toContain("function=score");
    await expect.poll(() => page.getByRole("table", { name: "Tasks" }).getByRole("row").count()).toBe(7);
    await page.getByLabel("Key").fill("no such key");
    await page.getByText(/^None of the .* is like that/).waitFor();
    await page.getByRole("button", { name: "Clear" }).click();
    await page.getByRole("tab", { name: /^Failed \d/ }).click();
    await row(page, "total-orders").waitFor();
    // The list before it has both.
    await expect.poll(() => row(page, "needs-gpu").count()).toBe(0);
    await page.reload();
    await row(page, "parse-orders").waitFor();
    expect(await page.getByRole("tab", { name: /^Failed \d/ }).getAttribute("aria-selected")).toBe("true");
    await close();
  });

  test("the graph of a run is drawn in layers, and said in a table", async () => {
    const { page, close } = await open("/status/runs");
    await page.getByRole("link", { name: "orders" }).click();
    await page.getByRole("main").getByRole("link", { name: "Graph" }).click();
    await page.getByText("10 tasks in 3 layers.").waitFor();
    const table = page.getByRole("table", { name: "Tasks by layer and function" });
    expect(await table.getByRole("row").nth(2).textContent()).toMatch(/2.*score.*6.*done/);
    const canvas = page.getByRole("application");
    await canvas.focus();
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => canvas.getAttribute("aria-label")).toContain("Graph. load, done.");
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => canvas.getAttribute("aria-label")).toContain("Graph. score, done.");
    await picture(page, "graph");
    await page.keyboard.press("Enter");
    await page.getByRole("region", { name: "Story" }).waitFor();
    expect(new URL(page.url()).pathname).toMatch(/^\/status\/tasks\/\d+$/);
    await close();
  });

  test("of more tasks than can be drawn the graph shows groups, and a group what it stands for", async () => {
    const run = client.run("many");
    const rows = client.map(half, Array(3000).keys(), { run, pure: false });
    const halves = client.map(half, rows, { run, pure: false });
    await Promise.all(halves.map((future) => future.result()));
    const many = (await client.runs()).find(({ name }) => name === "many")!.run;
    const { page, close } = await open(`/status/graph?run=${many}`);
    await page.getByText(/^6,000 tasks in 2 layers, drawn as 2 nodes/).waitFor();
    const canvas = page.getByRole("application");
    await canvas.focus();
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => canvas.getAttribute("aria-label")).toContain("half: 3,000 tasks, 3,000 done");
    await page.keyboard.press("Enter");
    const group = page.getByRole("region", { name: "half: 3,000 tasks in layer 1" });
    await group.getByRole("link", { name: "All tasks of this function" }).waitFor();
    await expect.poll(() => group.getByRole("row").count()).toBe(21);
    client.release([...rows, ...halves]);
    run.close("done");
    await close();
  });

  test("question 2: how long a run takes yet, and cancelling it", async () => {
    const run = client.run("slow", { steps: 0 });
    const futures = client.map(wait, Array(4000).fill(20), { run, pure: false });
    const { page, close } = await open("/status/runs");
    await row(page, "slow").getByRole("link", { name: "slow" }).click();
    await page.getByText(/of 4,000 are done, .* tasks\/s: about .* left/).waitFor();
    await picture(page, "run");
    await page.getByRole("button", { name: "Cancel this run" }).click();
    const dialog = page.getByRole("dialog");
    expect(await dialog.textContent()).toContain("have not ended are cancelled");
    await dialog.getByRole("button", { name: "Cancel this run" }).click();
    await page
      .getByText(/\d tasks cancelled\./)
      .first()
      .waitFor();
    await expect(futures.at(-1)!.result()).rejects.toThrow(/cancelled/);
    run.close("cancelled");
    client.release(futures);
    await close();
  });

  test("question 7: what moved between workers, and how fast", async () => {
    const { page, close } = await open("/status/transfers");
    await page.getByText(/MiB moved in \d+ fetch.* at .*\/s on average/).waitFor();
    const pair = page.getByRole("table", { name: "Bytes by pair of workers" }).getByRole("row").nth(1);
    expect(await pair.textContent()).toMatch(new RegExp(`${workers[0]}.*${workers[1]}.*16\\.0 MiB.*/s`));
    await page
      .getByRole("table", { name: /^The last large/ })
      .getByRole("link", { name: "made" })
      .waitFor();
    const canvas = page.getByRole("application");
    await canvas.focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowUp");
    await page.getByText(new RegExp(`^${workers[0]} to ${workers[1]}: 16\\.0 MiB`)).waitFor();
    await picture(page, "transfers");
    await close();
  });

  test("a task is cancelled from its page", async () => {
    const future = client.submit(total, [[5]], { key: "unwanted", resources: { GPU: 1 } });
    const { page, close } = await open("/status/tasks/unwanted");
    await page.getByRole("button", { name: "Cancel this task" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel this task" }).click();
    await page.getByText("1 task cancelled.").waitFor();
    await expect(future.result()).rejects.toThrow(/cancelled/);
    await page.getByRole("region", { name: "How it ended" }).waitFor();
    await close();
  });

  test("a task that nobody knows is said to be none", async () => {
    const { page, problems, close } = await open("/status/tasks/nobody-knows");
    await page.getByText(/knows no such task/).waitFor();
    (problems as string[]).length = 0; // the browser's line about the 404
    await close();
  });

  test.each(["light", "dark"] as const)("can be used with a screen reader and on a phone, in %s", async (scheme) => {
    const { page, close } = await open("/status", { scheme, size: PHONE });
    const orders = (await client.runs()).find(({ name }) => name === "orders")!.run;
    const paths = [
      "tasks",
      "tasks?view=failures",
      "tasks/parse-orders",
      "graph",
      "runs",
      `runs/${orders}`,
      "transfers",
    ];
    for (const path of paths) {
      await page.goto(new URL(`/status/${path}`, cluster.dashboardUrl).href);
      await page.getByText("Loading").first().waitFor({ state: "detached" });
      expect(await seriousFindings(page), `${path} in ${scheme}`).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth"), path).toBeLessThanOrEqual(PHONE.width);
      await picture(page, `${path.replace(/\W+\d*/g, "-")}-phone-${scheme}`, true);
    }
    await close();
  });
});
