// What is around every view of the page: signing in, connection, what limits the cluster, colours, navigation; and the views System, and
// Events and logs.

import type { Browser, Page } from "playwright-core";
import { type Client, LocalCluster } from "taskflock";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { wayTo } from "./cuttable.ts";
import {
  DESKTOP,
  goTo,
  launchBrowser,
  missing,
  openPage,
  openStatus,
  PHONE,
  picture,
  seriousFindings,
  type Watched,
} from "./harness.ts";

const untilStopped = (): Promise<never> => new Promise(() => undefined);

describe.skipIf(missing !== undefined)("the page's frame", () => {
  let cluster: LocalCluster;
  let client: Client;
  let browser: Browser;

  beforeAll(async () => {
    cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 2, resources: { GPU: 1 } });
    client = await cluster.connect({ name: "notebook" });
    browser = await launchBrowser();
    const run = client.run("readings");
    const read = (row: number): number => {
      if (row === 3) console.error("row 3 has no unit");
      else console.log(`row ${row} is good`);
      return row;
    };
    await client.gather(client.map(read, [1, 2, 3, 4], { run }));
  });

  afterAll(async () => {
    await browser?.close();
    await client?.close();
    await cluster?.close();
  });

  /** Opens it, lets the test look, and closes it whatever came of that. */
  async function look(opened: Promise<Watched>, see: (page: Page) => Promise<void>): Promise<void> {
    const watched = await opened;
    try {
      await see(watched.page);
    } finally {
      await watched.close();
    }
  }

  const live = (page: Page) => page.getByRole("banner").getByText("Live", { exact: true });

  it("asks for the token, says when it is wrong, and leads to where one wanted to go", async () => {
    const url = new URL("/status/system", cluster.dashboardUrl).href;
    await look(openPage(browser, url), async (page) => {
      await page.getByLabel("The cluster's token").fill("no such token");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("alert").getByText("That is not the token of this cluster.").waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      await picture(page, "sign-in");
      await page.getByLabel("The cluster's token").fill(cluster.token);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "System", level: 1 }).waitFor();
      await live(page).waitFor();
      expect(new URL(page.url()).pathname).toBe("/status/system");
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByLabel("The cluster's token").waitFor();
      await page.goto(url);
      await page.getByLabel("The cluster's token").waitFor();
    });
  });

  it("says that one is not signed in any more, and leads back", async () => {
    const { page, context, problems } = await openStatus(browser, cluster, "/status/workers");
    await live(page).waitFor();
    // In another tab; as when the scheduler was started anew.
    await context.request.post(new URL("/sign-out", cluster.dashboardUrl).href, {
      headers: { Origin: new URL(cluster.dashboardUrl).origin },
    });
    await page.getByRole("alert").getByText("You are not signed in any more").waitFor();
    await page.getByLabel("The cluster's token").fill(cluster.token);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Workers", level: 1 }).waitFor();
    await context.close();
    expect(problems.filter((problem) => !problem.includes("401 (Unauthorized)"))).toEqual([]);
  });

  it("a link signs in once, and its code does not stay in the address; what limits the cluster stands above the view", async () => {
    await using trainer = await cluster.connect();
    await look(openStatus(browser, cluster), async (page) => {
      expect(page.url()).toBe(cluster.dashboardUrl);
      const cookies = await page.context().cookies();
      expect(cookies.map(({ httpOnly, sameSite }) => ({ httpOnly, sameSite }))).toEqual([
        { httpOnly: true, sameSite: "Strict" },
      ]);
      const limit = page.getByRole("banner");
      await limit.getByText("Idle: 2 workers with 4 slots, and nothing to do.").waitFor();
      const training = Array.from({ length: 40 }, () => trainer.submit(untilStopped, [], { resources: { GPU: 1 } }));
      await limit.getByText("38 tasks wait for GPU; 2 GPUs, both busy").waitFor();
      await picture(page, "limit");
      await Promise.all(training.map((future) => future.cancel()));
    });
  });

  it("every view can be used with a screen reader, in both colours, and fits a phone", async () => {
    await look(openStatus(browser, cluster), async (page) => {
      const links = await page.getByRole("navigation").first().getByRole("link").all();
      const paths = await Promise.all(links.map(async (link) => (await link.getAttribute("href")) ?? ""));
      expect(paths.length).toBeGreaterThanOrEqual(8);
      for (const path of paths) {
        await goTo(page, path);
        await page.locator(`nav a[aria-current="page"][href="${path}"]`).waitFor();
        await page.waitForLoadState("networkidle");
        for (const colorScheme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme });
          expect(await seriousFindings(page), `${path} in ${colorScheme}`).toEqual([]);
        }
        await page.setViewportSize(PHONE);
        const width = await page.evaluate("document.documentElement.scrollWidth");
        expect(width, `${path} on a phone`).toBeLessThanOrEqual(PHONE.width);
        if (path === "/status") await picture(page, "phone");
        await page.setViewportSize(DESKTOP);
      }
    });
  });

  it("says when nothing comes, when the connection is lost and when it tries again, and is live again by itself", async () => {
    const way = await wayTo(Number(new URL(cluster.dashboardUrl).port));
    const url = `http://127.0.0.1:${way.port}/status/system`;
    const { page, context, problems } = await openPage(browser, url);
    try {
      await page.clock.install();
      await page.getByLabel("The cluster's token").fill(cluster.token);
      await page.keyboard.press("Enter");
      await page.getByText("2 workers with 4 slots are connected.").waitFor();
      const banner = page.getByRole("banner");
      way.hold();
      await page.clock.fastForward(7000);
      await banner.getByText(/^: no news for \d+ s$/).waitFor();
      await way.cut();
      await banner.getByText("Connection lost").waitFor();
      await banner.getByText(/trying again in \d+ s/).waitFor();
      expect(await page.getByText("2 workers with 4 slots are connected.").isVisible()).toBe(true);
      await way.mend();
      await live(page).waitFor();
      await page.getByText("The connection is back.").waitFor();
    } finally {
      await context.close();
      await way.close();
    }
    // What the browser says of requests that did not get through.
    expect(problems.filter((problem) => !/net::ERR_|WebSocket connection/.test(problem))).toEqual([]);
  });

  it("shows the way about: by menu, by keyboard, back and forward, and where there is nothing", async () => {
    await look(openStatus(browser, cluster), async (page) => {
      await page.getByRole("link", { name: "System" }).click();
      await page.getByRole("heading", { name: "System", level: 1 }).waitFor();
      expect(await page.title()).toBe("System – Taskflock");
      expect(await page.getByRole("link", { name: "System" }).getAttribute("aria-current")).toBe("page");
      await page.goBack();
      await page.getByRole("heading", { name: "Status", level: 1 }).waitFor();
      await page.goto(new URL("/status/no/such/view", cluster.dashboardUrl).href);
      await page.getByText("There is no view at /status/no/such/view.").waitFor();
      await page.keyboard.press("Tab");
      expect(await page.evaluate("document.activeElement.textContent.trim()")).toBe("Skip to the content");
      await page.keyboard.press("Enter");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Status", level: 1 }).waitFor();
    });
  });

  it("stays usable when a view fails, or cannot be loaded", async () => {
    const { page, context } = await openStatus(browser, cluster);
    try {
      const view = "**/assets/system-*.js";
      await page.route(view, (route) => route.abort());
      await page.getByRole("link", { name: "System" }).click();
      await page.getByRole("alert").getByRole("button", { name: "Try again" }).waitFor();
      await page.unroute(view);
      const body = "export const SystemPage = () => { throw new Error('a view that throws'); };";
      await page.route(view, (route) => route.fulfill({ contentType: "text/javascript", body }));
      await page.getByRole("button", { name: "Try again" }).click();
      await page.getByRole("alert").getByText("a view that throws").waitFor();
      await live(page).waitFor();
      await page.getByRole("link", { name: "Events and logs" }).click();
      await page.getByRole("region", { name: "Lines" }).getByText("row 1 is good").waitFor();
    } finally {
      await context.close();
    }
  });

  it("keeps the colours that one chose", async () => {
    await look(openStatus(browser, cluster, "/status/system", { scheme: "light" }), async (page) => {
      const back = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
      const light = await back();
      await page.getByLabel("Colours").selectOption("Dark");
      const dark = await back();
      expect(dark).not.toBe(light);
      await page.reload();
      await live(page).waitFor();
      expect(await back()).toBe(dark);
      expect(await seriousFindings(page)).toEqual([]);
      await page.getByLabel("Colours").selectOption("Auto");
      expect(await back()).toBe(light);
    });
  });

  it("says in System how the cluster is", async () => {
    await look(openStatus(browser, cluster, "/status/system"), async (page) => {
      await page.getByText("2 workers with 4 slots are connected.").waitFor();
      await page.getByRole("row", { name: /^notebook \d \d 4 0 0$/ }).waitFor();
      await page.getByText("No task has loaded TensorFlow.js on a worker yet.").waitFor();
      const memory = page.getByRole("region", { name: "The scheduler's process" }).getByText(/^\d[\d.]* MiB$/);
      await memory.first().waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      await picture(page, "system");
    });
  });

  it("finds in Events and logs what somebody printed, and who came", async () => {
    await look(openStatus(browser, cluster, "/status/events", { scheme: "dark" }), async (page) => {
      const lines = page.getByRole("region", { name: "Lines" });
      await lines.getByText("row 1 is good").waitFor();
      await lines.getByText("worker joined").first().waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      await picture(page, "events-dark");
      await page.getByLabel("Show").selectOption("Logs: stderr");
      await lines.getByText("row 3 has no unit").waitFor();
      await lines.getByText("row 1 is good").waitFor({ state: "hidden" });
      await page.getByLabel("Show").selectOption("Events and logs");
      await page.getByLabel("Text").fill("ROW 4");
      await page.waitForFunction('document.querySelectorAll(".lines li").length === 1');
      expect(page.url()).toContain("text=ROW+4");
      await page.getByLabel("Text").fill("");
      await page.getByRole("button", { name: "Pause" }).click();
      await client.note("the second batch begins");
      await page.getByText(/, 1 new since you paused/).waitFor();
      expect(await lines.getByText("the second batch begins").count()).toBe(0);
      await page.getByRole("button", { name: "Go on" }).click();
      await lines.getByText("the second batch begins").waitFor();
    });
  });

  it("fits a phone", async () => {
    await look(openStatus(browser, cluster, "/status/events?source=logs", { size: PHONE }), async (page) => {
      await page.getByRole("region", { name: "Lines" }).getByText("row 1 is good").waitFor();
      const width = () => page.evaluate("document.documentElement.scrollWidth");
      expect(await width()).toBe(PHONE.width);
      expect(await page.getByRole("link", { name: "System" }).isVisible()).toBe(false);
      await page.getByRole("button", { name: "Menu" }).click();
      await page.getByRole("link", { name: "System" }).click();
      await page.getByText("2 workers with 4 slots are connected.").waitFor();
      expect(await page.getByRole("link", { name: "Events and logs" }).isVisible()).toBe(false);
      expect(await width()).toBe(PHONE.width);
      expect(await seriousFindings(page)).toEqual([]);
      await picture(page, "system-phone");
    });
  });
});
