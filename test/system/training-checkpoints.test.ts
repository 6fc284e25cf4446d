// Checkpoints in folders: which are there, what goes on from them, and what happens where they cannot be written or read.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import {
  type Client,
  csvLogger,
  InlineExecutor,
  LocalCluster,
  type TrainingResult,
  type TrainOptions,
} from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { appears, four, inEpochThree, killWorker, losses } from "./training-models.ts";

let cluster: LocalCluster;
let client: Client;
let base: string;
const printed: string[] = [];
/** Six epochs, undisturbed. */
let whole: TrainingResult;
let folders = 0;
const newFolder = (): string => join(base, `place-${++folders}`);
const checkpointsIn = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith(".checkpoint"));
const run = (options: Partial<TrainOptions<{ readonly units: number }>>): Promise<TrainingResult> =>
  client.train({ ...four, ...options }).result();

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "taskflock-checkpoints-"));
  cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1 });
  client = await cluster.connect({ logs: ({ text }) => printed.push(text) });
  whole = await run({ epochs: 6 });
});
afterAll(async () => {
  await client?.close();
  await cluster?.close();
  rmSync(base, { recursive: true, force: true });
});

describe("a folder", () => {
  test("has the last two checkpoints and that of the best epoch, and the callbacks' files", async () => {
    const folder = newFolder();
    const { history, best } = await run({
      epochs: 6,
      monitor: "loss",
      mode: "max",
      checkpoints: folder,
      callbacks: [csvLogger("log.csv")],
    });
    const epochs = checkpointsIn(folder).map((name) => Number(/^epoch-(\d+)/.exec(name)?.[1]));
    expect(epochs).toEqual([...new Set([best?.epoch ?? 0, 5, 6])].sort((a, b) => a - b));
    expect(readFileSync(join(folder, "log.csv"), "utf8").trim().split("\n")).toHaveLength(7);
    expect(losses(history)).toEqual(losses(whole.history));
  });

  test("lets a training go on with more epochs: by the folder, by a file, by itself when it is there", async () => {
    const folder = newFolder();
    await run({ checkpoints: folder, resumeFrom: true }); // there is nothing yet: it begins
    const last = checkpointsIn(folder).at(-1) ?? "";
    const places = [folder, join(folder, last)];
    const results = [];
    for (const resumeFrom of places) results.push(await run({ epochs: 6, checkpoints: newFolder(), resumeFrom }));
    results.push(await run({ epochs: 6, checkpoints: folder, resumeFrom: true }));
    for (const { history } of results) {
      expect(losses(history)).toEqual(losses(whole.history));
      expect(history.map(({ resumed }) => resumed)).toEqual([0, 0, 0, 0, 1, 1]);
    }
  });

  test("has a checkpoint within an epoch, too, and goes on from the middle of it at another worker", async () => {
    const folder = newFolder();
    const flag = join(base, "flag");
    const training = client.train({
      ...{ ...four, epochs: 6, checkpoints: folder, checkpointEverySteps: 2 },
      callbacks: [inEpochThree(flag, "hang")],
    });
    await appears(flag);
    const { worker } = (await training[Symbol.asyncIterator]().next()).value as { worker: string };
    await killWorker(client, worker);
    const { history } = await training.result();
    expect(losses(history)).toEqual(losses(whole.history));
    expect(printed.join("\n")).toContain("goes on after epoch 2, batch 2");
  });

  test("of another training is not mixed with a new one", async () => {
    const folder = newFolder();
    await run({ epochs: 1, checkpoints: folder });
    await expect(run({ epochs: 1, checkpoints: folder })).rejects.toMatchObject({
      ...{ code: "FLOCK_OPTION_INVALID", message: expect.stringContaining("resumeFrom: true") },
    });
  });

  test("whose newest checkpoint is damaged: an older one serves; of other models, or when none can be read, that is said", async () => {
    const folder = newFolder();
    await run({ checkpoints: folder });
    const last = checkpointsIn(folder).at(-1) ?? "";
    const bytes = readFileSync(join(folder, last));
    writeFileSync(join(folder, last), bytes.subarray(0, bytes.length - 10));
    const { history } = await run({ epochs: 6, checkpoints: newFolder(), resumeFrom: folder });
    expect(losses(history)).toEqual(losses(whole.history));
    expect(printed.join("\n")).toContain(`The checkpoint ${last} in ${folder} is passed over`);
    const invalid = { code: "FLOCK_CHECKPOINT_INVALID" };
    await expect(run({ params: { units: 5 }, resumeFrom: folder })).rejects.toMatchObject(invalid);
    for (const name of checkpointsIn(folder)) writeFileSync(join(folder, name), "nothing");
    await expect(run({ resumeFrom: folder })).rejects.toMatchObject(invalid);
    await expect(run({ resumeFrom: newFolder() })).rejects.toMatchObject({ code: "FLOCK_STORAGE_NOT_FOUND" });
  });
});

describe("a place that cannot be written", () => {
  test("is said before the training begins", async () => {
    const file = join(base, "file");
    writeFileSync(file, "");
    await expect(run({ checkpoints: join(file, "inside") })).rejects.toMatchObject({
      ...{ code: "FLOCK_STORAGE_NOT_FOUND", message: expect.stringContaining(file) },
    });
    const writer = {
      name: "writer",
      onEpochEnd: (_epoch: number, _logs: object, _state: unknown, { files }: { files: { write: Write } }) =>
        files.write("log.csv", new Uint8Array(1)),
    };
    await expect(run({ callbacks: [writer] })).rejects.toMatchObject({
      ...{ code: "FLOCK_OPTION_INVALID", message: expect.stringContaining("log.csv") },
    });
  });

  test("and becomes full: the training goes on to its end, and says what it could not write", async ({ skip }) => {
    const disk = mountSmallDisk();
    if (disk === null) skip("a small disk cannot be mounted: that takes root, and Linux");
    try {
      const filler = {
        name: "filler",
        onEpochEnd: async (epoch: number, _logs: object, _state: unknown, { files }: { files: { write: Write } }) => {
          for (let i = 0; epoch === 2 && i < 16; i++)
            await files.write(`filler-${i}`, new Uint8Array(65_536)).catch(() => {});
        },
      };
      const { history } = await run({ epochs: 6, checkpoints: disk!, params: { units: 400 }, callbacks: [filler] });
      expect(history).toHaveLength(6);
      expect(printed.join("\n")).toMatch(/A checkpoint could not be written: .*there is no room \(ENOSPC\)/);
    } finally {
      execFileSync("umount", ["-l", disk!]);
    }
  });
});

type Write = (name: string, bytes: Uint8Array) => Promise<void>;

/** A disk of 1 MiB, if this user may make one. */
function mountSmallDisk(): string | null {
  const path = join(base, "disk");
  mkdirSync(path);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", path], { stdio: "ignore" });
    return path;
  } catch {
    return null;
  }
}

test("in this process, a folder serves as on a cluster", async () => {
  const folder = newFolder();
  const here = new InlineExecutor();
  const training = here.train({ ...four, epochs: 1_000_000, checkpoints: folder, checkpointEveryEpochs: 1_000_000 });
  await training[Symbol.asyncIterator]().next();
  const { where, name } = await training.checkpoint();
  expect(where).toBe(folder);
  expect(existsSync(join(where, name))).toBe(true);
  await training.stop();
  const { history, checkpoint } = await training.result();
  expect(losses(history).slice(0, 6)).toEqual(losses(whole.history).slice(0, history.length));
  expect(checkpointsIn(folder).map((one) => basename(one))).toHaveLength(2);
  expect(readFileSync(join(folder, checkpointsIn(folder).at(-1) ?? ""))).toEqual(Buffer.from(checkpoint));
});
