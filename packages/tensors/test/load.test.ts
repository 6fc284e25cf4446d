// How tensors are loaded: what is chosen, why others are not, and what a user meets where something is missing.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeChoice, nativeModule, type TensorChoice, tensorBackends } from "@taskflock/tensors";
import { afterAll, describe, expect, it } from "vitest";
import { findPackage, versionOf } from "../src/packages.ts";
import { load, parsed, projectWith, repository, run } from "./programs.ts";

const made: string[] = [];
const project = (...packages: readonly string[]): string => {
  made.push(projectWith(...packages));
  return made.at(-1)!;
};
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

describe("loadTensors", () => {
  it("takes the first backend that works, and says of each before it why it does not", async () => {
    const { choice } = parsed(await run(load, repository));
    const before = tensorBackends.slice(0, tensorBackends.indexOf(choice!.backend));
    expect(choice!.passedOver.map(({ backend }) => backend)).toEqual(before);
    for (const { why } of choice!.passedOver) expect(why.length).toBeGreaterThan(20);
    expect(choice!.versions["tfjs"]).toMatch(/^4\./);
  });

  it.each(["wasm", "cpu"])("takes %s when it is asked for, without a word", async (backend) => {
    const { stdout, stderr } = await run(load, repository, { TASKFLOCK_TENSOR_BACKEND: backend });
    expect(JSON.parse(stdout).choice).toMatchObject({ backend, device: null, passedOver: [] });
    expect(stderr).toBe("");
  });

  it.each(["node-gpu", "node", "webgpu"])("computes with %s, or says why that cannot be", async (backend) => {
    // A mask turned, as recurrent layers do: WebGPU gives zeros for it where its cast is not mended.
    const text = `
      import { loadTensors } from "@taskflock/tensors";
      const told = await loadTensors({ backend: "${backend}" }).then(
        async ({ tf }) => (await tf.ones([2, 600, 1]).notEqual(0).cast("float32").transpose([1, 0, 2]).sum().data())[0],
        ({ code, message }) => code + " " + message,
      );
      console.log(told);
    `;
    const { code, stdout } = await run(text, repository);
    expect(code).toBe(0);
    if (stdout !== "1200\n")
      expect(stdout).toMatch(new RegExp(`^FLOCK_TENSOR_BACKEND .*"${backend}" does not work here: .+`));
  });

  it("shares one engine with the program's own import, and one load among all who ask", async () => {
    const text = `
      import * as tf from "@tensorflow/tfjs";
      import { loadTensors } from "@taskflock/tensors";
      const model = tf.sequential({ layers: [tf.layers.conv1d({ filters: 2, kernelSize: 2, inputShape: [4, 3] }), tf.layers.flatten()] });
      const [first, second] = await Promise.all([loadTensors(), loadTensors({ backend: "wasm" })]);
      model.compile({ optimizer: first.tf.train.sgd(0.1), loss: "meanSquaredError" });
      const fit = await model.fit(first.tf.ones([4, 4, 3]), tf.zeros([4, 6]), { epochs: 3, verbose: 0 });
      const [before, , after] = fit.history.loss;
      console.log(first === second, tf.getBackend(), first.tf.getBackend(), after < before);
    `;
    const { stdout } = await run(text, repository, { TASKFLOCK_TENSOR_BACKEND: "wasm" });
    expect(stdout).toBe("true wasm wasm true\n");
  });

  it("tells its choice once to whoever registered for it, as a worker does", async () => {
    const text = `
      import { loadTensors } from "@taskflock/tensors";
      globalThis[Symbol.for("taskflock.tensorsLoaded")] = (choice) => console.log(JSON.stringify(choice));
      await loadTensors({ backend: "cpu" });
      await loadTensors();
    `;
    const { choice } = parsed(await run(load, repository, { TASKFLOCK_TENSOR_BACKEND: "cpu" }));
    expect(JSON.parse((await run(text, repository)).stdout)).toEqual(choice);
  });

  it("leaves the process's handlers of errors as they were", async () => {
    const text = `
      import { loadTensors } from "@taskflock/tensors";
      const seen = [];
      process.on("unhandledRejection", (error) => seen.push(error.message));
      await loadTensors({ backend: "wasm" });
      Promise.reject(new Error("mine"));
      setTimeout(() => console.log(seen, process.listenerCount("uncaughtException")), 10);
    `;
    expect((await run(text, repository)).stdout).toBe("[ 'mine' ] 0\n");
  });

  it("refuses another backend than the one that is loaded, and can be asked again after a failure", async () => {
    const text = `
      import { loadTensors } from "@taskflock/tensors";
      const told = (promise) => promise.then(({ backend }) => backend, ({ code }) => code);
      process.env.TASKFLOCK_TENSOR_BACKEND = "wsm";
      console.log(await told(loadTensors()));
      process.env.TASKFLOCK_TENSOR_BACKEND = "";
      console.log(await told(loadTensors({ backend: "cpu" })), await told(loadTensors({ backend: "wasm" })), await told(loadTensors()));
    `;
    const { stdout } = await run(text, repository);
    expect(stdout).toBe("FLOCK_TENSOR_BACKEND\ncpu FLOCK_TENSOR_BACKEND cpu\n");
  });

  it("changes to another and back for trainings, which compute right and leave nothing of an earlier wish", async () => {
    const text = `
      import { loadTensors, switchTensors } from "@taskflock/tensors";
      const best = (await loadTensors()).backend;
      for (const asked of ["wasm", "cpu", "wasm", undefined, "cpu", best, "wasm"]) {
        const { tf, backend, versions } = await switchTensors(asked === undefined ? {} : { backend: asked });
        const right = backend === (asked ?? best) && Object.keys(versions).length === (backend === "cpu" ? 1 : versions.tensorflow ? 3 : 2);
        const [slope] = await tf.grad((x) => tf.maxPool(x, 2, 2, "same").sum())(tf.ones([1, 2, 2, 1]).neg()).sum().data();
        console.log(right, slope);
      }
      console.log(await switchTensors({ backend: "node-gpu" }).then(() => true, ({ code }) => code === "FLOCK_TENSOR_BACKEND"));
      console.log((await loadTensors()).backend === best);
    `;
    const { stdout, stderr } = await run(text, repository);
    expect({ stdout, stderr }).toEqual({ stdout: `${"true 1\n".repeat(7)}true\ntrue\n`, stderr: "" });
  });

  it("names the backends there are when an unknown one is asked for", async () => {
    const { code, message } = parsed(await run(load, repository, { TASKFLOCK_TENSOR_BACKEND: "gpu" }));
    expect(code).toBe("FLOCK_TENSOR_BACKEND");
    expect(message).toBe(
      'TASKFLOCK_TENSOR_BACKEND is "gpu", which is no tensor backend: there are node-gpu, node, webgpu, wasm, cpu',
    );
  });

  it("passes over in a thread what works in the main thread only", async () => {
    const text = `
      import { Worker } from "node:worker_threads";
      const inside = \`
        const { parentPort } = require("node:worker_threads");
        import("@taskflock/tensors").then(({ loadTensors }) => loadTensors()).then(async ({ tf, ...choice }) => {
          parentPort.postMessage({ choice, sum: (await tf.ones([3]).sum().data())[0] });
        });
      \`;
      new Worker(inside, { eval: true, execArgv: [] }).on("message", (told) => console.log(JSON.stringify(told)));
    `;
    const { choice, sum } = JSON.parse((await run(text, repository)).stdout) as { choice: TensorChoice; sum: number };
    expect(choice.backend).toBe("wasm");
    expect(choice.passedOver.map(({ backend }) => backend)).toEqual(["node-gpu", "node", "webgpu"]);
    for (const { why } of choice.passedOver) expect(why).toContain('isolation: "process"');
    expect(sum).toBe(3);
  });
});

describe("missing packages", () => {
  it("without @tensorflow/tfjs: an error with the command that installs it", async () => {
    const without = { TASKFLOCK_TENSORFLOW_HOME: join(tmpdir(), "flock-tensors-nowhere") };
    const { code, message } = parsed(await run(load, project(), without));
    expect(code).toBe("FLOCK_TENSOR_MISSING");
    expect(message).toContain("npm install @tensorflow/tfjs @tensorflow/tfjs-backend-wasm");
  });

  it.skipIf("why" in nativeModule(false, { from: [] }))(
    "without @tensorflow/tfjs: the copy that taskflock tensorflow install brought",
    async () => {
      const { choice } = parsed(await run(load, project(), { TASKFLOCK_TENSOR_BACKEND: "node" }));
      expect(choice).toMatchObject({ backend: "node", versions: { tfjs: "4.22.0", "tfjs-node": "4.22.0" } });
    },
  );

  it("without any backend: plain JavaScript, with a warning, and with the commands that install better ones", async () => {
    const without = { CUDA_VISIBLE_DEVICES: "", TASKFLOCK_TENSORFLOW_HOME: join(tmpdir(), "flock-tensors-nowhere") };
    const told = await run(load, project("@tensorflow/tfjs"), without);
    const { choice } = parsed(told);
    expect(choice!.backend).toBe("cpu");
    const whys = Object.fromEntries(choice!.passedOver.map(({ backend, why }) => [backend, why]));
    expect(whys["node-gpu"]).toBe("CUDA_VISIBLE_DEVICES hides all GPUs");
    expect(whys["node"]).toContain("taskflock tensorflow install");
    expect(whys["webgpu"]).toContain("npm install webgpu @tensorflow/tfjs-backend-webgpu");
    expect(whys["wasm"]).toContain("npm install @tensorflow/tfjs-backend-wasm");
    expect(told.stderr).toContain("[FLOCK_TENSOR_CPU]");
    expect(told.stderr).not.toContain("Hi, looks like");
  });

  it("finds the wasm files beside the package, wherever that is", async () => {
    const folder = project("@tensorflow/tfjs", "@tensorflow/tfjs-backend-wasm");
    const { choice } = parsed(await run(load, folder, { TASKFLOCK_TENSOR_BACKEND: "wasm" }));
    expect(choice).toMatchObject({ backend: "wasm", versions: { "tfjs-backend-wasm": expect.stringMatching(/^4\./) } });
  });
});

describe("findPackage", () => {
  it("prefers the copy of the working folder to the one beside this package", () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "flock-tensors-")));
    made.push(folder);
    const own = join(folder, "node_modules/webgpu");
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, "package.json"), '{ "version": "99.0.0" }');
    writeFileSync(join(own, "index.js"), "");
    const before = process.cwd();
    const beside = findPackage("webgpu")!;
    process.chdir(folder);
    try {
      expect(findPackage("webgpu")).toBe(join(own, "index.js"));
      expect(versionOf(findPackage("webgpu")!)).toBe("99.0.0");
      expect(findPackage("@tensorflow/no-such-package")).toBeNull();
    } finally {
      process.chdir(before);
    }
    expect(versionOf(beside)).not.toBe("99.0.0");
  });
});

describe("describeChoice", () => {
  it("says in one line what computes, on what, and why nothing better does", () => {
    const choice: TensorChoice = {
      backend: "node",
      versions: { tfjs: "4.22.0", tensorflow: "2.21.0" },
      device: null,
      passedOver: [{ backend: "node-gpu", why: "this machine has no NVIDIA GPU" }],
    };
    expect(describeChoice(choice)).toBe(
      "tensors: node, TensorFlow on the CPU; tfjs 4.22.0, tensorflow 2.21.0; " +
        "passed over: node-gpu (this machine has no NVIDIA GPU)",
    );
    const gpu = { ...choice, backend: "node-gpu" as const, device: "NVIDIA H200", passedOver: [] };
    expect(describeChoice(gpu)).toBe(
      "tensors: node-gpu, TensorFlow on the GPU (NVIDIA H200); tfjs 4.22.0, tensorflow 2.21.0",
    );
  });
});
