// Searches over trainings through a cluster: trials side by side, each rung from its checkpoint, also when a worker is killed in one.

import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CallbackHooks, type Client, LocalCluster, svc, training, uniform } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { appears, four, killWorker, losses, net, rows } from "./training-models.ts";

let cluster: LocalCluster;
let client: Client;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "taskflock-search-"));
  cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1 });
  client = await cluster.connect({ logs: "ignore" });
});
afterAll(async () => {
  await client?.close();
  await cluster?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** At the second batch of epoch 3, if nobody did before, it says by a file which worker it is on, and hangs. */
function hangsOnce(flag: string): CallbackHooks<{ epoch: number; batches: number }> {
  return {
    name: "hangsOnce",
    start: () => ({ epoch: 0, batches: 0 }),
    onEpochBegin: (epoch, state) => {
      Object.assign(state, { epoch, batches: 0 });
    },
    onBatchEnd: async (_step, _logs, state, { worker }) => {
      state.batches++;
      if (state.epoch !== 3 || state.batches < 2 || existsSync(flag)) return;
      writeFileSync(`${flag}.new`, worker);
      renameSync(`${flag}.new`, flag);
      await new Promise(() => {});
    },
  };
}

const params: { readonly units: number } = { units: 6 };
const spec = { model: net, params, batchSize: 16, seed: 7, backend: "cpu", epochs: 4 } as const;
const common = { data: rows, validationSplit: 0.25, params: { units: [2, 6] }, factor: 2 };
const rungs = [
  { candidates: 2, resources: 2 },
  { candidates: 1, resources: 4 },
];

describe("halvingSearch over trainings", () => {
  test("goes on from the rung's checkpoint when a worker is killed in it", async () => {
    const flag = join(folder, "flag");
    const search = client.halvingSearch({ ...common, estimator: training({ ...spec, callbacks: [hangsOnce(flag)] }) });
    expect(search.brackets[0]?.rungs).toEqual(rungs);
    await appears(flag);
    const name = readFileSync(flag, "utf8");
    await killWorker(client, name);
    const found = await search.result();
    expect(found.cvResults.epochs).toEqual([2, 2, 4]);
    expect(found.cvResults.error).toEqual([null, null, null]);
    const units = found.bestParams.units ?? 0;
    const straight = await client.train({ ...four, params: { units }, metrics: [] }).result();
    expect(losses(found.bestHistory)).toEqual(losses(straight.history));
    // Epochs 1 and 2 are the first rung's; 3 and 4 were computed by the worker that was left.
    expect(found.bestHistory[3]?.worker).not.toBe(name);
    expect(found.bestModel.artifact.weightData).toEqual(straight.model.artifact.weightData);
    expect((await client.datasets()).map((dataset) => dataset.name)).toEqual([]);
    await client.waitForWorkers(2);
  });

  test("keeps checkpoints in a folder when it is given one, and trains two trials at once", async () => {
    const checkpoints = join(folder, "trials");
    const search = client.halvingSearch({ ...common, estimator: training(spec), checkpoints });
    const trained = new Set<string>();
    for await (const { best } of search) if (best !== null) trained.add(best.worker);
    const { cvResults } = await search.result();
    expect(cvResults.nResources).toEqual([2, 2, 4]);
    expect(readdirSync(checkpoints).sort()).toEqual(["trial-0000", "trial-0001"]);
    expect(trained.size).toBe(2);
  });
});

describe("searches over estimators through a cluster", () => {
  const y = rows.y.map(([label = 0]) => label);
  const common = { estimator: svc(), X: rows.x, y, cv: 3, seed: 4 };

  test("give what they give in this process", async () => {
    const { InlineExecutor } = await import("taskflock");
    const halving = { ...common, params: { C: [0.01, 0.1, 1, 10] }, minResources: 40 };
    const there = await client.halvingSearch(halving).result();
    const here = await new InlineExecutor().halvingSearch(halving).result();
    expect(there.cvResults.meanTestScore).toEqual(here.cvResults.meanTestScore);
    expect(there.bestParams).toEqual(here.bestParams);
    expect(there.bestEstimator.predict(rows.x.slice(0, 5))).toHaveLength(5);
    const drawn = { ...common, params: { C: uniform(0.1, 10) }, nIter: 3 };
    const random = await client.randomSearch(drawn).result();
    expect(random.cvResults.params).toEqual((await new InlineExecutor().randomSearch(drawn).result()).cvResults.params);
    const band = client.hyperbandSearch({ ...common, params: { C: uniform(0.1, 10) }, minResources: 40 });
    expect((await band.result()).bestScore).toBeGreaterThan(0.5);
    expect((await client.runs()).filter(({ name }) => name === "halvingSearch svc")).toHaveLength(1);
  });
});
