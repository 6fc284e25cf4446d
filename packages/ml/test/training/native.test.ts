import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadTensors, nativeModule } from "@taskflock/tensors";
import { describe, expect, it } from "vitest";
import { openStorage } from "../../src/storage/open-storage.ts";
import { saveModel } from "../../src/training/model-files.ts";
import { predict } from "../../src/training/predict.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { convolutions, testBackend, texts } from "./backend-tests.ts";
import { plan, surroundings } from "./stage.ts";

const found = nativeModule(false);
const why = "why" in found ? found.why : null;

describe.skipIf(why !== null)(`on native TensorFlow${why === null ? "" : ` (not here: ${why})`}`, () => {
  testBackend("node");

  it("a saved model is read by tf.loadLayersModel of its file", async () => {
    const { tf } = await loadTensors({ backend: "node" });
    const training = await Trainer.create(tf, plan({ model: convolutions }), texts(8), null, surroundings());
    await training.step();
    const artifact = await training.artifact();
    const folder = await mkdtemp(join(tmpdir(), "flock-model-"));
    try {
      await saveModel(await openStorage(folder), artifact, "best");
      const model = await tf.loadLayersModel(`file://${join(folder, "best/model.json")}`);
      const { x } = texts(5);
      expect(await predict(tf, model, x)).toEqual(await predict(tf, artifact, x));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
