// Searches, trainings and reports in a real browser: who leads (question 8), does it over-fit (question 9), and a report from disk.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type * as tfjs from "@tensorflow/tfjs";
import type { Browser, Page } from "playwright-core";
import { type Client, LocalCluster, loadDigits, svc, training } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, missing, openPage, openStatus, PHONE, picture, seriousFindings } from "./harness.ts";

const folder = mkdtempSync(join(tmpdir(), "taskflock-searches-"));
const reportFile = join(folder, "run.html");
const hostile = "</script><script>document.title = 'broken'</script><!-- <script>";

/** With the TensorFlow.js of the worker. Far more weights than there is to learn. */
function wide({ units }: { readonly units: number }, tf: typeof tfjs): tfjs.LayersModel {
  const model = tf.sequential();
  model.add(tf.layers.dense({ units, inputShape: [4], activation: "relu" }));
  model.add(tf.layers.dense({ units, activation: "relu" }));
  model.add(tf.layers.dense({ units: 1, activation: "sigmoid" }));
  model.compile({ optimizer: tf.train.adam(0.02), loss: "binaryCrossentropy" });
  return model;
}

const hash = (i: number): number => (Math.imul(i + 1, 2_654_435_761) >>> 8) % 1000;
const rows = Array.from({ length: 160 }, (_, i) => [0, 1, 2, 3].map((j) => hash(i * 4 + j) / 500 - 1));
/** A rule, and one label in four that is wrong: what is learnt of those can only be learnt by heart. */
const noisy = { x: rows, y: rows.map(([a = 0, b = 0], i) => [Number(a + b > 0 !== hash(i + 5000) < 250)]) };

const goTo = (page: Page, view: string): Promise<void> =>
  page.getByRole("navigation").first().getByRole("link", { name: view, exact: true }).click();

describe.skipIf(missing !== undefined)("Searches, trainings, reports", () => {
  let browser: Browser;
  let cluster: LocalCluster;
  let client: Client;

  beforeAll(async () => {
    [browser, cluster] = await Promise.all([launchBrowser(), LocalCluster.start({ workers: 2 })]);
    client = await cluster.connect({ logs: "ignore" });
  });
  afterAll(async () => {
    await client?.close();
    await Promise.all([browser?.close(), cluster?.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  test("the digits search fills in while it runs, and says who leads and by how much", async () => {
    const { page, close } = await openStatus(browser, cluster);
    const { data: X, target: y } = loadDigits();
    const params = { C: [1, 10, 1e4], gamma: [1e-4, 1e-3, 1e-2], classWeight: [null, "balanced" as const] };
    const work = async () => {
      await client.submit((text: string) => console.log(text), [hostile], { name: hostile }).result();
      const search = client.gridSearch({ estimator: svc(), params, X, y, cv: 3 });
      await goTo(page, "Searches");
      await page.getByRole("link", { name: "gridSearch svc" }).click();
      await page.getByText(/ leads? (together )?with 0\.\d{4} ± /).waitFor();
      return search.result();
    };
    const found = await client.report(reportFile, work, { title: `Digits ${hostile}` });
    const best = page.getByText(/ (is|are together) the best with 0\.\d{4} ± 0\.\d{4}/);
    await best.waitFor();
    expect(await best.textContent()).toContain(`${found.bestScore.toFixed(4)} ± `);
    const rows = page.getByRole("table", { name: "Leaderboard" }).getByRole("row");
    expect(await rows.count()).toBe(19);
    expect(await rows.nth(1).getByRole("cell").first().textContent()).toBe("1");
    expect(await page.getByRole("img", { name: /^Folds of / }).count()).toBe(18);
    expect(await page.getByRole("heading", { name: "score by C and gamma" }).isVisible()).toBe(true);
    expect(await seriousFindings(page)).toEqual([]);
    await picture(page, "search", true);
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "CSV" }).click(),
    ]);
    const [heading = "", ...lines] = readFileSync(await file.path(), "utf8")
      .trim()
      .split("\r\n");
    const at = heading.split(",").indexOf("mean_test_score");
    expect(lines.map((line) => Number(line.split(",")[at]))).toEqual(found.cvResults.meanTestScore);
    await close();
  });

  test("a training that learns by heart is said to over-fit, with the epoch since when", async () => {
    const options = { model: wide, params: { units: 64 }, data: noisy, validationSplit: 0.3, backend: "cpu" } as const;
    const { history } = await client.train({ ...options, epochs: 40, batchSize: 16, seed: 3 }).result();
    const losses = history.map(({ logs }) => logs["valLoss"] ?? Number.NaN);
    const lowest = losses.indexOf(Math.min(...losses)) + 1;
    const { page, close } = await openStatus(browser, cluster);
    await goTo(page, "Training");
    await page.getByRole("main").getByRole("link").first().click();
    const verdict = page.getByText(/^Validation loss has risen since epoch \d+ .* while training loss still falls/);
    await verdict.waitFor();
    expect(await verdict.textContent()).toContain(`since epoch ${lowest} `);
    expect(await verdict.textContent()).toContain(`it over-fits; best epoch ${lowest}.`);
    expect(await page.getByText("40 of 40").isVisible()).toBe(true);
    expect(await page.getByRole("img", { name: "loss by epoch: training; validation" }).isVisible()).toBe(true);
    expect(await seriousFindings(page)).toEqual([]);
    await picture(page, "training", true);
    await close();
  });

  test("a search of trainings has a leaderboard by loss, and its trials' curves one click on", async () => {
    const { page, close } = await openStatus(browser, cluster, "/status/searches", { scheme: "dark" });
    const estimator = training({ model: wide, params: { units: 8 }, backend: "cpu", epochs: 3 });
    const params = { units: [2, 4, 8] };
    const search = client.gridSearch({ estimator, params, data: noisy, validationSplit: 0.3 });
    await page.getByRole("main").getByRole("link", { name: search.name }).click();
    const { bestParams, bestScore } = await search.result();
    await page.getByText(`units=${bestParams.units} is the best with ${bestScore.toFixed(4)}, `).waitFor();
    await page.getByText(/lower is better/).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole("link", { name: "Curves" }).click();
    await page.getByText("trial 2: 3 epochs so far: too few to tell").waitFor();
    expect(
      await page.getByRole("img", { name: /^loss by epoch: trial 0, training; trial 0, validation; trial 1/ }).count(),
    ).toBe(1);
    expect(await seriousFindings(page)).toEqual([]);
    await goTo(page, "Searches");
    await page.getByRole("link", { name: "gridSearch svc" }).click();
    await page.getByRole("table", { name: "Leaderboard" }).waitFor();
    await picture(page, "search-dark", true);
    expect(await seriousFindings(page)).toEqual([]);
    await close();
  });

  test.each(["light", "dark"] as const)(
    "a report of it opens from disk and shows what happened, in %s",
    async (scheme) => {
      const { page, context, close } = await openPage(browser, pathToFileURL(reportFile).href, { scheme });
      await context.setOffline(true);
      await page.getByRole("heading", { level: 1, name: "Summary" }).waitFor();
      expect(await page.title()).not.toBe("broken");
      expect(await page.getByText(`Digits ${hostile}`, { exact: true }).isVisible()).toBe(true);
      await picture(page, `report-${scheme}`);
      const links = await page.getByRole("navigation").first().getByRole("link").allTextContents();
      expect(links).toEqual(expect.arrayContaining(["Summary", "Status", "Workers", "Searches", "Events and logs"]));
      for (const link of links) {
        await goTo(page, link);
        await page.getByRole("heading", { level: 1, name: link }).waitFor();
        expect(await page.getByRole("alert").count(), link).toBe(0);
        expect(await seriousFindings(page), `${link} in ${scheme}`).toEqual([]);
      }
      await goTo(page, "Searches");
      await page.getByRole("link", { name: "gridSearch svc" }).click();
      await page.getByText(/ (is|are together) the best with 0\.\d{4} ± /).waitFor();
      await page.goBack();
      await page.getByRole("heading", { level: 1, name: "Searches" }).waitFor();
      await close();
    },
  );

  test("the report fits a phone, and can be used by keyboard alone", async () => {
    const { page, close } = await openPage(browser, pathToFileURL(reportFile).href, { size: PHONE });
    await page.getByRole("heading", { level: 1, name: "Summary" }).waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(PHONE.width);
    await picture(page, "report-phone");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter"); // the skip link
    expect(await page.evaluate("document.activeElement.id")).toBe("main");
    await page.getByRole("button", { name: "Menu" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "Workers", exact: true }).first().focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Workers" }).waitFor();
    await close();
  });
});
