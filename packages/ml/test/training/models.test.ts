// Models as data: what comes back predicts the same, also by TensorFlow.js's own loader.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadModel, modelArtifacts } from "../../src/training/model-artifact.ts";
import { openModel, saveModel } from "../../src/training/model-files.ts";
import { predict } from "../../src/training/predict.ts";
import type { ModelArtifact } from "../../src/training/types.ts";
import { files, labelled, net, tf, trainer, written0 } from "./stage.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

afterAll(() => {
  tf.disposeVariables();
});

async function trained(): Promise<ModelArtifact> {
  const training = await trainer({ model: net({ batchNorm: true, dropout: 0.5 }) });
  await training.step();
  return training.artifact();
}

const { x } = labelled(7);

describe("a model", () => {
  it("goes through an artifact and a folder, and predicts the same in batches of any size", async () => {
    const training = await trainer(
      { model: net({ batchNorm: true, dropout: 0.5 }), metrics: ["logLoss"] },
      labelled(),
      labelled(7),
    );
    await training.step();
    const artifact = await training.artifact();
    const answers = await predict(tf, artifact, x);
    expect(answers.shape).toEqual([7, 3]);
    expect(await predict(tf, artifact, x, { batchSize: 3 })).toEqual(answers);
    const written = written0();
    await saveModel(files(written), artifact, "models/best");
    expect(written.order).toEqual(["models/best/weights.bin", "models/best/model.json"]);
    const opened = await openModel(files(written), "models/best");
    expect(opened).toEqual(
      JSON.parse(JSON.stringify({ ...artifact, weightData: null }), (key, value) =>
        key === "weightData" ? opened.weightData : value,
      ),
    );
    expect(Buffer.from(opened.weightData)).toEqual(Buffer.from(artifact.weightData));
    const model = await loadModel(tf, opened);
    expect(await predict(tf, model, x)).toEqual(answers);
  });

  it("is read by tf.loadLayersModel from the folder's model.json", async () => {
    const artifact = await trained();
    const written = written0();
    await saveModel(files(written), artifact, "m");
    const server = createServer((request, response) => {
      const bytes = written.files.get((request.url ?? "").slice(1));
      response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    try {
      const model = await tf.loadLayersModel(`http://127.0.0.1:${(server.address() as AddressInfo).port}/m/model.json`);
      expect(await predict(tf, model, x)).toEqual(await predict(tf, artifact, x));
    } finally {
      await new Promise((closed) => server.close(closed));
    }
  });

  it("is opened as TensorFlow.js saves it, in several files of weights", async () => {
    const artifact = await trained();
    const { modelTopology, weightSpecs, weightData } = modelArtifacts(artifact);
    const bytes = new Uint8Array(weightData as ArrayBuffer);
    const written = written0();
    const storage = files(written);
    await storage.write("group1-shard1of2.bin", bytes.subarray(0, 50));
    await storage.write("group1-shard2of2.bin", bytes.subarray(50));
    const weightsManifest = [{ paths: ["group1-shard1of2.bin", "group1-shard2of2.bin"], weights: weightSpecs }];
    await storage.write("model.json", Buffer.from(JSON.stringify({ modelTopology, weightsManifest })));
    expect(await predict(tf, await openModel(storage), x)).toEqual(await predict(tf, artifact, x));
  });

  it("may have its weights in a Buffer, which lies in memory of others", async () => {
    const artifact = await trained();
    const shared = Buffer.alloc(artifact.weightData.length + 16, 1);
    shared.set(artifact.weightData, 16);
    const read = { ...artifact, weightData: shared.subarray(16) };
    expect(await predict(tf, read, x)).toEqual(await predict(tf, artifact, x));
  });

  it("leaves no tensors behind when it predicts", async () => {
    const artifact = await trained();
    await predict(tf, artifact, x);
    const before = tf.memory().numTensors;
    await predict(tf, artifact, x, { batchSize: 2 });
    expect(tf.memory().numTensors).toBe(before);
  });

  it("is refused when the folder has something else, and rows that do not fit are", async () => {
    const written = written0();
    await files(written).write("model.json", Buffer.from("{}"));
    await expect(openModel(files(written))).rejects.toMatchObject({ code: "FLOCK_TRAINING_MODEL" });
    const others = [
      "<html>",
      '{"modelTopology":null,"weightsManifest":[]}',
      '{"modelTopology":{},"weightsManifest":[{}]}',
    ];
    for (const text of others) {
      await files(written).write("model.json", Buffer.from(text));
      await expect(openModel(files(written))).rejects.toMatchObject({ code: "FLOCK_TRAINING_MODEL" });
    }
    const short = { ...(await trained()), weightData: new Uint8Array(8) };
    await expect(predict(tf, short, x)).rejects.toMatchObject({ code: "FLOCK_TRAINING_MODEL" });
    const narrow = { data: new Float32Array(4), shape: [2, 2] };
    await expect(predict(tf, await trained(), narrow)).rejects.toMatchObject({ code: "FLOCK_ML_INPUT" });
    await expect(predict(tf, await trained(), x, { batchSize: 0 })).rejects.toMatchObject({
      code: "FLOCK_OPTION_INVALID",
    });
  });
});
