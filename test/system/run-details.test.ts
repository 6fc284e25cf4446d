// What the page is told of searches and trainings on a real cluster, while they run and after their client is gone.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DetailEntry, PageRun } from "@taskflock/protocol/words";
import { Client, LocalCluster, svc } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Gate } from "./gate.ts";
import { PageAsker } from "./page-questions.ts";
import { appears, four, inEpochThree, killWorker } from "./training-models.ts";

let cluster: LocalCluster;
let client: Client;
let page: PageAsker;
beforeAll(async () => {
  cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1 });
  client = await cluster.connect({ logs: "ignore" });
  page = await PageAsker.connect(cluster.address, cluster.token);
}, 60_000);
afterAll(async () => {
  await client?.close();
  await page?.close();
  await cluster?.close();
});

/** Of a poll: other tests may have the processor. */
const patient = { timeout: 20_000 };
const X = Array.from({ length: 40 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
const y = X.map(([a = 0]) => (a > 0 ? 1 : 0));

async function runNamed(name: string): Promise<PageRun> {
  const { runs } = await page.ask({ q: "pageOverview" });
  const run = runs.find((one) => one.name === name);
  if (run === undefined) throw new Error(`There is no run ${name}.`);
  return run;
}

/** All of them, page by page. */
async function detailsOf({ run }: PageRun): Promise<DetailEntry[]> {
  const all: DetailEntry[] = [];
  for (let since = 0; ; ) {
    const { items, last, missed } = await page.ask({ q: "pageDetails", run: run as never, since, limit: 7 });
    expect(missed).toBe(0);
    all.push(...items.map(({ entry }) => entry));
    if (items.length === 0) return all;
    since = last;
  }
}

const countOf = (entries: readonly DetailEntry[], e: DetailEntry["e"]): number =>
  entries.filter((entry) => entry.e === e).length;

describe("what the page is told", () => {
  test("of a search: candidates and folds while it runs, the best at its end", async () => {
    const name = "watched search";
    const search = client.gridSearch({ estimator: svc(), params: { C: [0.1, 1, 10] }, X, y, cv: 3, name });
    for await (const { done } of search) {
      if (done < 4) continue;
      // Not at its end, but meanwhile.
      await expect
        .poll(async () => countOf(await detailsOf(await runNamed(name)), "fold"), patient)
        .toBeGreaterThanOrEqual(4);
      break;
    }
    const { bestIndex, refitTime, cvResults } = await search.result();
    const run = await runNamed(name);
    expect(run).toMatchObject({ kind: "search", status: "done" });
    const entries = await detailsOf(run);
    expect(entries[0]).toEqual({
      ...{ e: "search", kind: "grid search", estimator: "svc", parameters: ["C"], scorings: ["score"] },
      ...{ mode: "max", folds: 3, total: 3 },
    });
    expect([countOf(entries, "candidate"), countOf(entries, "fold")]).toEqual([3, 9]);
    const scores = entries.flatMap((one) => (one.e === "fold" && one.candidate === bestIndex ? one.scores : []));
    const mean = scores.reduce((sum: number, score) => sum + (score ?? Number.NaN), 0) / 3;
    expect(mean).toBeCloseTo(cvResults.meanTestScore[bestIndex] ?? Number.NaN, 12);
    expect(entries.at(-1)).toEqual({ e: "best", candidate: bestIndex, refitSeconds: refitTime });
  });

  test("of a training: its model, epochs and checkpoints", async () => {
    const run = client.train({ ...four, name: "watched training" });
    const { history } = await run.result();
    const told = await runNamed("watched training");
    expect(told.kind).toBe("training");
    const entries = await detailsOf(told);
    expect(entries[0]).toEqual({
      ...{ e: "training", trial: -1, model: "net", parameters: 37, epochs: 4, samples: 90, workers: 1 },
    });
    const epochs = entries.filter((one) => one.e === "epoch");
    expect(epochs.map(({ epoch, values }) => [epoch, values["valLoss"]])).toEqual(
      history.map(({ epoch, logs }) => [epoch, logs["valLoss"]]),
    );
    expect(countOf(entries, "checkpoint")).toBeGreaterThan(0);
    expect(entries.at(-1)).toEqual({ e: "remark", trial: -1, text: "done" });
  });

  test("of a training whose worker is killed: where it went on, and each epoch once", async () => {
    const folder = mkdtempSync(join(tmpdir(), "taskflock-details-"));
    const flag = join(folder, "flag");
    const name = "moved training";
    const run = client.train({ ...four, name, callbacks: [inEpochThree(flag, "hang")] });
    await appears(flag);
    // While it hangs in epoch 3: the two before are told, and the checkpoint that it will go on from.
    await expect.poll(async () => countOf(await detailsOf(await runNamed(name)), "epoch"), patient).toBe(2);
    for await (const { worker } of run) {
      await killWorker(client, worker);
      break;
    }
    const { history } = await run.result();
    const entries = await detailsOf(await runNamed(name));
    const remarks = entries.flatMap((one) => (one.e === "remark" ? one.text : []));
    const [from, to] = [history[0]?.worker, history[3]?.worker];
    expect(remarks).toEqual([`resumed after epoch 2 on ${to}: its task on ${from} was lost or had to leave`, "done"]);
    expect(countOf(entries, "training")).toBe(1);
    expect(entries.flatMap((one) => (one.e === "epoch" ? one.epoch : []))).toEqual([1, 2, 3, 4]);
    await client.waitForWorkers(2);
    rmSync(folder, { recursive: true, force: true });
  });

  test("arrives once and in order, however often the client's connection is cut", async () => {
    const gate = await Gate.start(Number(cluster.address.split(":").at(-1)));
    const far = await Client.connect(gate.address, { token: cluster.token, logs: "ignore" });
    const run = far.run("cut");
    const texts = Array.from({ length: 60 }, (_, i) => `remark ${i}`);
    for (const [i, text] of texts.entries()) {
      run.details([{ e: "remark", trial: -1, text }]);
      if (i % 20 === 10) gate.cut();
      // Some messages go out before a cut, some while there is no connection, some after it.
      await far.cluster();
    }
    run.close();
    await far.cluster();
    expect(
      (await detailsOf(await runNamed("cut"))).map((entry) => (entry.e === "remark" ? entry.text : entry.e)),
    ).toEqual(texts);
    await far.close();
    gate.close();
  });

  test("stays when the client is gone", async () => {
    const { sessions } = await page.ask({ q: "pageOverview" });
    const other = await cluster.connect({ logs: "ignore", name: "short-lived" });
    const search = other.gridSearch({ estimator: svc(), params: { C: [1] }, X, y, cv: 2, name: "of a script" });
    await search.result();
    const run = await runNamed("of a script");
    await other.close();
    expect(countOf(await detailsOf(run), "fold")).toBe(2);
    await expect.poll(async () => (await page.ask({ q: "pageOverview" })).sessions, patient).toBe(sessions);
    expect(await runNamed("of a script")).toMatchObject({ kind: "search", status: "done", client: "short-lived" });
  });
});
