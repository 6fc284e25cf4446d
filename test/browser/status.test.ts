// The status view, workers and profiles as a person meets them: what is slow and where in its code, where memory goes, what a worker
// that died did last.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser, Locator, Page } from "playwright-core";
import { type Client, type Future, LocalCluster } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, missing, openStatus, PHONE, picture, seriousFindings, type Watched } from "./harness.ts";

const MIB = 1024 * 1024;

/** Almost all of its time is in `innerLoop`. */
const crunch = (ms: number): number => {
  const innerLoop = (until: number): number => {
    let sum = 0;
    while (performance.now() < until) for (let i = 0; i < 1000; i++) sum += Math.sqrt(i);
    return sum;
  };
  return innerLoop(performance.now() + ms) > 0 ? ms : 0;
};
const tidyUp = (value: number): number => value + 1;
const explode = (value: number): number => {
  throw new RangeError(`no room for ${value}`);
};
const hold = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(1);
const stayUntilKilled = async (): Promise<void> => {
  console.log("going into the mine");
  await new Promise((resolve) => setTimeout(resolve, 600_000));
};

describe.skipIf(missing !== undefined)("Status, workers, profile", () => {
  let browser: Browser;
  let cluster: LocalCluster;
  let client: Client;
  const kept: Future<unknown>[] = [];

  beforeAll(async () => {
    const starting = LocalCluster.start({ workers: 3, threadsPerWorker: 2, nanny: false });
    [browser, cluster] = await Promise.all([launchBrowser(), starting]);
    client = await cluster.connect({ logs: "ignore" });
    const held = client.submit(hold, [16 * MIB], { key: "held", workers: ["worker-1"] });
    const slow = client.map(
      crunch,
      Array.from({ length: 40 }, () => 30),
    );
    const quick = client.map(
      tidyUp,
      Array.from({ length: 40 }, (_, n) => n),
    );
    const failed = client.submit(explode, [3], { key: "explode-3" });
    kept.push(held, ...slow, ...quick, failed);
    await Promise.all([client.gather(slow), client.gather(quick), held.result(), failed.error()]);
  });
  afterAll(async () => {
    await client?.close();
    await Promise.all([browser?.close(), cluster?.close()]);
  });

  const open = (path: string, view?: Parameters<typeof openStatus>[3]): Promise<Watched> =>
    openStatus(browser, cluster, path, view);
  const region = (page: Page, name: string): Locator => page.getByRole("region", { name, exact: true });
  const row = (within: Locator, text: string): Locator => within.getByRole("row").filter({ hasText: text });
  const menu = (page: Page, name: string): Promise<void> =>
    page.getByRole("navigation").first().getByRole("link", { name, exact: true }).click();

  test("the first view says what was done, what failed, and which function took the time", async () => {
    const { page, close } = await open("/status");
    await page.getByText("no rate yet").or(page.getByText("nothing to do")).first().waitFor();
    const failed = page.getByRole("link").filter({ hasText: "what failed first" });
    await failed.getByText("1", { exact: true }).waitFor();
    const functions = row(region(page, "Functions"), "");
    // The slow one stands first, with its share of all the time.
    await functions.nth(1).filter({ hasText: "crunch" }).waitFor();
    const text = await functions.nth(1).innerText();
    expect(Number(/(\d+) %/.exec(text)?.[1])).toBeGreaterThan(50);
    expect(Number(/(\d+(\.\d+)?) ms/.exec(text)?.[1])).toBeGreaterThanOrEqual(30);
    await region(page, "Queue").getByText("Nothing is queued.").waitFor();
    await failed.click();
    await page.getByRole("tab", { name: "First failures", selected: true }).waitFor();
    await close();
  });

  test("question 6: which worker's memory is filled, and with what", async () => {
    const { page, close } = await open("/status");
    const memory = region(page, "Memory per worker");
    await memory.getByRole("listitem").filter({ hasText: "worker-1" }).getByText("results 16.0 MiB").waitFor();
    await expect(memory.getByRole("listitem").filter({ hasText: "worker-2" }).innerText()).resolves.toMatch(
      /results 0 B|results \d+ B/,
    );
    await close();
  });

  test("the task stream shows attempts in the rows of their slots; one leads to its task", async () => {
    const { page, close } = await open("/status");
    const stream = page.getByRole("application", { name: /^Task stream/ });
    await page.getByText("The last 50 attempts as a table").click();
    const table = page.getByRole("table", { name: "The last attempts" });
    await row(table, "failed").filter({ hasText: "explode" }).waitFor();
    await expect(row(table, "crunch").count()).resolves.toBeGreaterThan(5);
    // By keyboard: the last attempt before now, in the first row that has one.
    await stream.focus();
    await page.keyboard.press("p");
    const tip = page.locator(".stream-tip");
    await tip.filter({ hasText: /worker-1, slot 1/ }).waitFor();
    await tip.filter({ hasText: /took/ }).waitFor();
    await expect(page.getByRole("button", { name: "Live" }).getAttribute("aria-pressed")).resolves.toBe("false");
    await tip.filter({ hasText: /(crunch|tidyUp|hold|held|explode)/ }).waitFor();
    // The pointer finds the same bar where the keyboard has shown it.
    const said = (await tip.innerText()).split("\n").filter((line) => !line.includes("slot"));
    const [left, top] = await tip.evaluate(({ style }) => [
      Number.parseFloat(style.left),
      Number.parseFloat(style.top),
    ]);
    await page.keyboard.press("Escape");
    await tip.waitFor({ state: "detached" });
    await stream.hover({ position: { x: left! + 1, y: top! - 28 } });
    await tip.waitFor();
    expect((await tip.innerText()).split("\n")).toEqual(expect.arrayContaining(said.slice(1)));
    await page.mouse.down();
    await page.mouse.up();
    await page.waitForURL(/\/status\/tasks\/\d+/);
    await close();
  });

  test("the task stream zooms, pans, stops and goes on by keys, wheel and pointer", async () => {
    const { page, close } = await open("/status");
    const stream = page.getByRole("application", { name: /^Task stream/ });
    const live = page.getByRole("button", { name: "Live" });
    const shown = page.locator(".stream-span");
    await shown.filter({ hasText: "30.0 s shown" }).waitFor();
    await stream.focus();
    await page.keyboard.press("+");
    await shown.filter({ hasText: "18.8 s shown" }).waitFor();
    await page.keyboard.press("ArrowLeft");
    await expect(live.getAttribute("aria-pressed")).resolves.toBe("false");
    await page.keyboard.press("Home");
    await shown.filter({ hasText: "30.0 s shown" }).waitFor();
    await expect(live.getAttribute("aria-pressed")).resolves.toBe("true");
    const box = (await stream.boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + 40);
    await page.mouse.wheel(0, 300);
    await shown.filter({ hasText: /(3[1-9]|[4-9]\d)\.\d s shown|min/ }).waitFor();
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 + 120, box.y + 40, { steps: 4 });
    await page.mouse.up();
    await page.locator(".stream-live[aria-pressed=false]").waitFor();
    await live.click();
    await page.locator(".stream-live[aria-pressed=true]").waitFor();
    await close();
  });

  test("question 4: which function is slow, and where in its code, two clicks from the status", async () => {
    const { page, close } = await open("/status");
    const busy = client.map(
      crunch,
      Array.from({ length: 60 }, (_, n) => 200 + n),
    );
    await row(region(page, "Functions"), "crunch").getByRole("link", { name: "profile" }).click();
    await page.getByRole("button", { name: "Start a profile" }).click();
    const graph = page.getByRole("tree", { name: "Flame graph" });
    const inner = graph.getByRole("treeitem", { name: /^innerLoop, / });
    await inner.waitFor();
    const first = row(page.getByRole("table", { name: "Functions by their own time" }), "innerLoop").first();
    // The line of this file that takes the time.
    const place = /status\.test\.ts:(\d+)/.exec(await first.innerText());
    const lines = readFileSync(fileURLToPath(import.meta.url), "utf8").split("\n");
    expect(lines[Number(place?.[1]) - 1]).toContain("sum += Math.sqrt(i)");
    await expect(page.getByRole("searchbox").inputValue()).resolves.toBe("crunch");
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download .cpuprofile" }).click();
    const saved = JSON.parse(readFileSync(await (await download).path(), "utf8")) as {
      nodes: { callFrame: { functionName: string } }[];
      samples: number[];
    };
    expect(saved.nodes.map(({ callFrame }) => callFrame.functionName)).toContain("innerLoop");
    expect(saved.samples.length).toBeGreaterThan(0);
    // By click and by keyboard: to one function, and back.
    await inner.click();
    await page.getByRole("button", { name: "Show all" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Show all" }).waitFor({ state: "detached" });
    await expect(seriousFindings(page)).resolves.toEqual([]);
    await picture(page, "profile");
    await client.gather(busy);
    await close();
  });

  test("workers are found by name, and an admin retires one after being asked", async () => {
    const { page, close } = await open("/status/workers");
    const table = page.getByRole("table", { name: "Workers", exact: true });
    await row(table, "worker-3").waitFor();
    await page.getByRole("searchbox", { name: "Filter" }).fill("worker-3");
    await expect.poll(() => row(table, "worker-").count()).toBe(1);
    expect(page.url()).toContain("filter=worker-3");
    await page.getByRole("checkbox", { name: "Choose worker-3" }).check();
    await page.getByRole("button", { name: "Retire worker-3" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("No task fails for it.").waitFor();
    await dialog.getByRole("button", { name: "Retire worker-3" }).click();
    await page.getByText("worker-3 will leave.").waitFor();
    const went = page.getByRole("table", { name: "Workers that went" });
    await row(went, "worker-3").filter({ hasText: "It left as planned" }).waitFor();
    await close();
  });

  test("question 10: what the worker that died did last, two clicks from the status", async () => {
    const doomed = client.submit(stayUntilKilled, [], { key: "in-the-mine", workers: ["worker-2"] });
    const { page, close } = await open("/status/workers/worker-2");
    await row(region(page, "Runs now"), "in-the-mine").waitFor();
    await page.getByText("going into the mine").waitFor();
    const { pid } = (await client.workers()).find(({ name }) => name === "worker-2")!;
    expect(pid).not.toBe(process.pid);
    process.kill(pid, "SIGKILL");
    await page.goto(new URL("/status", cluster.dashboardUrl).href);
    await menu(page, "Workers");
    const went = page.getByRole("table", { name: "Workers that went" });
    await row(went, "It was lost").getByRole("link", { name: "worker-2" }).click();
    const how = region(page, "How it went");
    await how.getByText(/It was lost: .* One task was running there\./).waitFor();
    await how.getByRole("link", { name: "in-the-mine" }).waitFor();
    await row(region(page, "What it did last"), "crunch").first().waitFor();
    await page.getByText("going into the mine").waitFor();
    await expect(seriousFindings(page)).resolves.toEqual([]);
    await picture(page, "worker-lost", true);
    await doomed.cancel();
    await close();
  });

  test("question 10 with a nanny: the dead one's last deeds are on the page of its successor, which has its name", async () => {
    await using nursery = await LocalCluster.start({ workers: 1, threadsPerWorker: 1 });
    await using boss = await nursery.connect({ logs: "ignore" });
    await boss.call(tidyUp, [1]);
    const doomed = boss.submit(stayUntilKilled, [], { key: "in-the-mine" });
    const { page, close } = await openStatus(browser, nursery, "/status/workers/worker-1");
    await row(region(page, "Runs now"), "in-the-mine").waitFor();
    process.kill((await boss.workers())[0]!.pid, "SIGKILL");
    const lost = region(page, "The worker of this name that was lost");
    await lost.getByText(/It was lost: .* One task was running there\./).waitFor();
    await lost.getByRole("link", { name: "in-the-mine" }).first().waitFor();
    await lost.getByText("What it did last").click();
    await row(lost, "tidyUp").waitFor();
    await region(page, "Events").getByText("worker lost: SIGKILL").waitFor();
    await doomed.cancel();
    await close();
  });

  test("a worker's page on a phone: its facts, figures, what it ran, its log", async () => {
    const { page, close } = await open("/status/workers/worker-1", { size: PHONE, scheme: "dark" });
    await region(page, "Facts").getByText("MiB").or(page.getByText("GiB")).first().waitFor();
    await row(region(page, "Last tasks"), "crunch").first().waitFor();
    await expect(seriousFindings(page)).resolves.toEqual([]);
    await picture(page, "worker-phone");
    await close();
  });

  test("light, dark and phone; nothing serious for screen readers", async () => {
    for (const [name, view] of [
      ["status-light", { scheme: "light" }],
      ["status-dark", { scheme: "dark" }],
      ["status-phone", { size: PHONE }],
    ] as const) {
      const { page, close } = await open("/status", view);
      await row(region(page, "Functions"), "crunch").waitFor();
      await expect(seriousFindings(page)).resolves.toEqual([]);
      const html = page.locator("html");
      const overhang = await html.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth);
      expect(overhang).toBe(0);
      await picture(page, name);
      await close();
    }
  });

  test("a cluster without workers says how to start one", async () => {
    await client.retireWorkers(["worker-1"]);
    const { page, close } = await open("/status");
    await page.getByText("No worker yet. Start one:").waitFor();
    await region(page, "Memory per worker").getByText("No worker is there.").waitFor();
    await menu(page, "Workers");
    await page.getByText("No worker yet. Start one:").waitFor();
    await row(page.getByRole("table", { name: "Workers that went" }), "worker-1").waitFor();
    await close();
  });
});
