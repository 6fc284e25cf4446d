// What the page does with what nobody expects: names that are markup, answers that do not come, and hours of going to and fro.

import type { Browser, CDPSession, Page } from "playwright-core";
import { type Client, type Future, LocalCluster } from "taskflock";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goTo, launchBrowser, missing, openStatus, type Watched } from "./harness.ts";

const MARKUP = `<img src=x onerror="window.broken=1"></script><script>window.broken=1</script>`;
const NAMES = [
  MARKUP,
  "\u202Eright to left",
  "🐦‍🔥 emoji",
  "nul\u0000nul",
  `=HYPERLINK("http://evil.example")`,
  "x".repeat(400),
  "../../etc",
  "a/b?c#d%2F%",
];
const VIEWS = [
  ...["", "/workers", "/tasks", "/graph", "/profile", "/transfers"],
  ...["/events", "/system", "/runs", "/searches", "/training"],
].map((path) => `/status${path}`);

/** What would be there if a name had been taken for more than text, or was wider than the screen. */
const oddities = `({
  broken: window.broken ?? 0,
  elements: document.querySelectorAll("main img, main script").length,
  beside: Math.max(0, document.documentElement.scrollWidth - innerWidth),
})`;

describe.skipIf(missing !== undefined)("The page and what is odd", () => {
  let cluster: LocalCluster;
  let client: Client;
  let browser: Browser;
  let watched: Watched;
  let page: Page;
  /** What nobody refers to is forgotten. */
  const kept: Future<never>[] = [];

  beforeAll(async () => {
    [cluster, browser] = await Promise.all([LocalCluster.start({ workers: 1, threadsPerWorker: 2 }), launchBrowser()]);
    client = await cluster.connect({ name: MARKUP, logs: "ignore" });
    for (const name of NAMES) await leaveTraces(name);
    watched = await openStatus(browser, cluster);
    page = watched.page;
  });
  afterAll(async () => {
    await watched?.context.close();
    await client?.close();
    await Promise.all([browser?.close(), cluster?.close()]);
  });

  /** A run, a task, its function, error and line, and an event of that name. */
  async function leaveTraces(name: string): Promise<void> {
    const fail = (text: string): never => {
      console.log(text);
      throw new Error(text);
    };
    Object.defineProperty(fail, "name", { value: name });
    const failed = client.submit(fail, [name], { run: client.run(name), key: name });
    kept.push(failed);
    await failed.error();
    await client.note(name);
  }

  const drawn = (): Promise<unknown> =>
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 10)))");

  it("takes names for text, in every view, and keeps them on the screen", async () => {
    const tasks = NAMES.map((name) => `/status/tasks/${encodeURIComponent(name)}`);
    for (const path of [...VIEWS, ...tasks]) {
      await goTo(page, path);
      if (path.startsWith("/status/tasks/")) await page.getByRole("heading", { name: "Error" }).waitFor();
      else await page.waitForLoadState("networkidle");
      await drawn();
      expect([path, await page.evaluate(oddities)]).toEqual([path, { broken: 0, elements: 0, beside: 0 }]);
    }
    expect(watched.problems).toEqual([]);
  });

  it("holds no more after a hundred changes of the view than after twenty", async () => {
    const cdp: CDPSession = await page.context().newCDPSession(page);
    const look = async (): Promise<{ readonly bytes: number; readonly listeners: number; readonly nodes: number }> => {
      for (let turn = 0; turn < 3; turn++) await cdp.send("HeapProfiler.collectGarbage");
      const { usedSize } = await cdp.send("Runtime.getHeapUsage");
      const { jsEventListeners, nodes } = await cdp.send("Memory.getDOMCounters");
      return { bytes: usedSize, listeners: jsEventListeners, nodes };
    };
    const change = async (times: number): Promise<void> => {
      for (let n = 0; n < times; n++) {
        await goTo(page, VIEWS[n % VIEWS.length]!);
        await drawn();
      }
      await goTo(page, "/status/system");
      await drawn();
    };
    await change(22);
    const before = await look();
    await change(110);
    const after = await look();
    expect(after.bytes).toBeLessThan(before.bytes + 1.5 * 1024 * 1024);
    expect(after.listeners).toBeLessThan(before.listeners + 20);
    expect(after.nodes).toBeLessThan(before.nodes + 500);
  });

  it("says in each view that asks for more what the server said instead, and asks again", async () => {
    const asking = ["/tasks", "/graph", "/runs/1", "/tasks/1", "/workers/gone", "/searches/1", "/training/1"];
    const answers = "**/api/v1/**";
    for (const status of [403, 503, 0]) {
      const body = JSON.stringify({ code: "FLOCK_FORBIDDEN", message: `no, ${status}`, advice: "Ask another." });
      await goTo(page, "/status/system");
      await page.route(answers, (route) =>
        status === 0 ? route.abort() : route.fulfill({ status, contentType: "application/json", body }),
      );
      for (const path of asking) {
        await goTo(page, `/status${path}`);
        const note = page.locator("main").getByRole("alert").first();
        await note.getByText(status === 0 ? "The server does not answer." : `no, ${status} FLOCK_FORBIDDEN`).waitFor();
        await note.getByRole("button", { name: "Try again" }).waitFor();
      }
      await page.unroute(answers);
      await page.getByRole("button", { name: "Try again" }).click();
      await page.getByText("Run 1 tells of no training").waitFor();
    }
  });
});
