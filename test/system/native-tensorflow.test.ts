// `taskflock tensorflow`, and what it installs. `npm test` has run the command for real before; where it could not, it said why, and the
// tests that need what it makes are skipped.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadNative, nativeModule } from "@taskflock/tensors";
import { type Installation, installTensorFlow, tensorflowHome } from "@taskflock/tensors/install";
import * as tf from "@tensorflow/tfjs";
import { afterEach, describe, expect, test } from "vitest";
import { cli, taskflock } from "./processes.ts";

const home = tensorflowHome();
const native = nativeModule(false, { from: [] });
const isThere = !("why" in native);
const isLinux = process.platform === "linux";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
function newFolder(): string {
  // Beside the one that is there, so that files can be linked instead of copied.
  folders.push(mkdtempSync(isThere ? join(home, "../native-") : join(tmpdir(), "taskflock-native-")));
  return folders.at(-1) as string;
}

test("help says what it costs, and what it needs", async () => {
  const { stdout, code } = await taskflock(["tensorflow", "install", "--help"]);
  expect(code).toBe(0);
  for (const said of ["--gpu", "TASKFLOCK_TENSORFLOW_HOME", "download", "GB", "a C++ compiler, Python with pip"])
    expect(stdout).toContain(said);
});

test.skipIf(!isLinux)("what is missing is named, the exit code is 1, and nothing is left behind", async () => {
  const parent = newFolder();
  const { stderr, code } = await taskflock(["tensorflow", "install", "--into", join(parent, "x")], { PATH: parent });
  expect(code).toBe(1);
  expect(stderr).toContain("a C++ compiler: apt-get install g++");
  expect(stderr).toContain("FLOCK_TENSORFLOW_NEEDS");
  expect(readdirSync(parent)).toEqual([]);
});

test("status says how to get one, and remove that there is none", async () => {
  const folder = newFolder();
  const { stdout } = await taskflock(["tensorflow", "status", "--into", folder]);
  expect(stdout).toContain("`taskflock tensorflow install` puts one there");
  expect(stdout).toContain("`taskflock tensorflow install --gpu` puts one there");
  expect((await taskflock(["tensorflow", "remove", "--into", folder])).stdout).toBe(
    `nothing to remove: there is none in ${folder}\n`,
  );
});

describe.skipIf(!isThere)("the one that is there", () => {
  test("is verified by a second run, shown, and removed", async () => {
    const again = await taskflock(["tensorflow", "install"]);
    expect([again.code, again.stderr]).toEqual([0, ""]);
    expect(again.stdout).toMatch(
      /matrix product and a gradient step: right, by TensorFlow 2\.\d+\.\d+ on the processor/,
    );
    expect(again.stdout).toMatch(/^already there: tfjs-node 4\.22\.0, tensorflow 2\./m);
    const copy = copyOf(newFolder());
    expect((await taskflock(["tensorflow", "status", "--into", copy])).stdout).toMatch(/tensorflow 2.*\d\.\d GB/);
    expect((await taskflock(["tensorflow", "remove", "--into", copy])).stdout).toBe(`removed ${join(copy, "cpu")}\n`);
    expect(readdirSync(copy)).toEqual([]);
  });

  test("is found by an installation that waited while another one made it", async () => {
    const folder = newFolder();
    const held = await holdLock(folder);
    const said: string[] = [];
    const waiting = new Promise<Installation>((resolve, reject) => {
      const onStep = ({ name }: { name: string }): void => {
        said.push(name);
        if (!name.includes("another installation is under way")) return;
        copyOf(folder);
        held.kill("SIGKILL");
      };
      installTensorFlow({ into: folder, onStep }).then(resolve, reject);
    });
    expect(await waiting).toMatchObject({ alreadyThere: true, folder: join(folder, "cpu") });
    expect(said.slice(0, 3)).toEqual(["what it needs", "what it needs", expect.stringContaining("waiting for it")]);
  });

  test("is as it was when an installation anew is ended by Ctrl-C", async () => {
    const copy = copyOf(newFolder());
    const child = spawn(process.execPath, [cli, "tensorflow", "install", "--force", "--into", copy], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (stdout === "") child.kill("SIGINT"); // the first step is through; the download has begun
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const [code] = await once(child, "close");
    expect([code, stderr]).toEqual([130, "taskflock: ended by SIGINT; nothing was changed\n"]);
    expect(readdirSync(copy)).toEqual(["cpu"]);
    expect(await installTensorFlow({ into: copy })).toMatchObject({ alreadyThere: true });
  });

  test("computes with the program's own copy of TensorFlow.js: layers, optimizers, instanceof, checkpoints", async () => {
    if ("why" in native) throw new Error(native.why);
    const warnings: string[] = [];
    const { warn } = console;
    console.warn = (...texts: unknown[]) => void warnings.push(texts.join(" "));
    const same = loadNative(native, tf);
    console.warn = warn;
    expect([same === tf, tf.getBackend(), warnings]).toEqual([true, "tensorflow", []]);
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 4, inputShape: [3], activation: "relu" })] });
    model.add(tf.layers.dense({ units: 1 }));
    const optimizer = tf.train.adam(0.1);
    model.compile({ optimizer, loss: "meanSquaredError" });
    const [x, y] = [tf.randomNormal([32, 3], 0, 1, "float32", 1), tf.ones([32, 1])];
    const { history } = await model.fit(x, y, { epochs: 5, verbose: 0 });
    expect(history["loss"]?.at(-1)).toBeLessThan(history["loss"]?.[0] as number);
    expect([model instanceof tf.LayersModel, optimizer instanceof tf.Optimizer, x instanceof tf.Tensor]).toEqual([
      true,
      true,
      true,
    ]);
    const weights = await optimizer.getWeights();
    expect(weights.length).toBe(9); // steps, and two moments of each of the four weights
    const copy = tf.sequential({ layers: [tf.layers.dense({ units: 4, inputShape: [3], activation: "relu" })] });
    copy.add(tf.layers.dense({ units: 1 }));
    copy.setWeights(model.getWeights());
    expect((copy.predict(x) as tf.Tensor).dataSync()).toEqual((model.predict(x) as tf.Tensor).dataSync());
    // What Node 23 removed from under it.
    expect([...tf.topk(tf.tensor1d([1, 5, 3]), 2).values.dataSync()]).toEqual([5, 3]);
  });
});

/** Files are linked, so that it costs nothing. */
function copyOf(folder: string): string {
  execFileSync("cp", ["-al", join(home, "cpu"), join(folder, "cpu")]);
  return folder;
}

/** As an installation in another process does. */
async function holdLock(folder: string): Promise<ChildProcess> {
  const script =
    "import fcntl,os,sys; fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX); print(1, flush=True); sys.stdin.read()";
  const child = spawn("python3", ["-c", script, folder], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return child;
}
