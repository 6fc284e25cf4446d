// A large cluster in front of the page: real links of 1,000 workers, 200,000 tasks. What is asserted are sizes, which do not depend on
// how quick the machine is; `npm run bench:page` measures the time.

import { readToken } from "@taskflock/protocol/links";
import type { Browser } from "playwright-core";
import { Client } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Role, startRole } from "../system/processes.ts";
import { Crowd } from "./crowd.ts";
import { DESKTOP, launchBrowser, missing, openPage, picture } from "./harness.ts";
import { costsOf } from "./page-costs.ts";

const WORKERS = 1000;
const TASKS = 200_000;
const MIB = 1024 * 1024;

const fit = (C: number): number => C;

describe.skipIf(missing !== undefined)("In front of 1,000 workers and 200,000 tasks", () => {
  let browser: Browser;
  let scheduler: Role;
  let crowd: Crowd;
  let client: Client;

  beforeAll(async () => {
    const args = ["scheduler", "--port", "0", "--dashboard-port", "0", "--log-level", "error"];
    [browser, scheduler] = await Promise.all([launchBrowser(), startRole(args)]);
    const { address } = scheduler.ready as { address: string };
    const token = readToken({ address });
    crowd = await Crowd.start({ address, token, workers: WORKERS, slots: 2, taskMs: [500, 5000], seed: 1 });
    client = await Client.connect(address, { logs: "ignore" });
  });
  afterAll(async () => {
    await client?.close();
    await crowd?.close();
    await Promise.all([browser?.close(), scheduler?.stop()]);
  });

  test("the page stays small, and shows all of them", async () => {
    const items = Array.from({ length: TASKS }, (_, index) => index);
    for (const future of client.map(fit, items)) future.result().catch(() => undefined);
    const { dashboard, address } = scheduler.ready as { dashboard: string; address: string };
    const { page, close } = await openPage(browser, dashboard, { size: DESKTOP });
    await page.getByLabel("The cluster's token").fill(readToken({ address }));
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("banner").getByText("2,000 slots").waitFor({ timeout: 60_000 });
    const seen = crowd.finished;
    const costs = await costsOf(browser, page, async () => {
      await expect.poll(() => crowd.finished, { timeout: 60_000 }).toBeGreaterThan(seen + 5_000);
    });
    expect(costs.heapBytes).toBeLessThan(200 * MIB);
    expect(costs.largestMessage).toBeLessThan(2 * MIB);
    expect(costs.messages).toBeGreaterThan(2);
    await picture(page, "crowd");
    await page.getByRole("link", { name: "Workers", exact: true }).click();
    await page.getByText("crowd-0001", { exact: true }).first().waitFor();
    expect(await page.getByRole("row").count()).toBeLessThan(200); // of 1,000: only those that can be seen are there
    await close();
  });
});
