// The page's frame, as a person meets it: signing in, finding one's way, a cut link.

import type { Browser } from "playwright-core";
import { LocalCluster } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, missing, openPage, openStatus, PHONE, picture, seriousFindings } from "./harness.ts";

const untilStopped = (): Promise<never> => new Promise(() => undefined);

describe.skipIf(missing !== undefined)("The page", () => {
  let browser: Browser;
  let cluster: LocalCluster;

  beforeAll(async () => {
    [browser, cluster] = await Promise.all([
      launchBrowser(),
      LocalCluster.start({ workers: 2, threadsPerWorker: 2, resources: { GPU: 1 } }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), cluster?.close()]);
  });

  test("asks for the token, refuses a wrong one, and takes the right one", async () => {
    const { page, problems, close } = await openPage(browser, cluster.dashboardUrl);
    await page.getByLabel("The cluster's token").fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    expect(await page.getByRole("alert").textContent()).toMatch(/token/i);
    await picture(page, "sign-in");
    await page.getByLabel("The cluster's token").fill(cluster.token);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("navigation").first().waitFor();
    expect(new URL(page.url()).pathname).toBe("/status");
    (problems as string[]).length = 0; // the browser's line about the refused token
    await close();
  });

  test("a link signs in once, and its code does not stay in the address", async () => {
    const { page, close } = await openStatus(browser, cluster);
    expect(page.url()).not.toContain("code");
    const cookies = await page.context().cookies();
    expect(cookies.map(({ httpOnly, sameSite }) => ({ httpOnly, sameSite }))).toEqual([
      { httpOnly: true, sameSite: "Strict" },
    ]);
    await close();
  });

  test("question 1: what limits the cluster stands above every view, in plain words", async () => {
    await using client = await cluster.connect();
    const { page, close } = await openStatus(browser, cluster);
    const limit = page.getByRole("banner");
    await limit.getByText("Idle: 2 workers with 4 slots, and nothing to do.").waitFor();
    const training = Array.from({ length: 40 }, () => client.submit(untilStopped, [], { resources: { GPU: 1 } }));
    await limit.getByText("38 tasks wait for GPU; 2 GPUs, both busy").waitFor();
    await picture(page, "limit");
    await Promise.all(training.map((future) => future.cancel()));
    await close();
  });

  test.each(["light", "dark"] as const)("every view can be used with a screen reader, in %s", async (scheme) => {
    const { page, close } = await openStatus(browser, cluster, "/status", { scheme });
    const links = page.getByRole("navigation").first().getByRole("link");
    const hrefs = await Promise.all((await links.all()).map((link) => link.getAttribute("href")));
    const paths = hrefs.map((href) => href ?? "");
    expect(paths.length).toBeGreaterThanOrEqual(8);
    for (const path of paths) {
      await page.goto(new URL(path, cluster.dashboardUrl).href);
      await page.getByRole("heading", { level: 1 }).first().waitFor();
      expect(await seriousFindings(page), `${path} in ${scheme}`).toEqual([]);
    }
    await close();
  });

  test("fits a phone: nothing lies beside the screen", async () => {
    const { page, close } = await openStatus(browser, cluster, "/status", { size: PHONE });
    await page.getByRole("heading", { level: 1 }).first().waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(PHONE.width);
    await picture(page, "phone");
    await close();
  });
});
