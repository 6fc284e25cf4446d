// Models in folders, as TensorFlow.js writes them: model.json and weights.bin, which `tf.loadLayersModel("file://…/model.json")` reads.
import { FlockError } from "@taskflock/protocol/words";
import { isPlainObject } from "../kinds.ts";
import type { ModelArtifact, TrainingFiles } from "./types.ts";

interface ModelJson {
  readonly format: string;
  readonly modelTopology: object;
  readonly weightsManifest: readonly { readonly paths: readonly string[]; readonly weights: readonly object[] }[];
}

/** Writes the model into the folder; of a model that is there before, each file is replaced as a whole. */
export async function saveModel(
  files: Pick<TrainingFiles, "write">,
  artifact: ModelArtifact,
  folder = "",
): Promise<void> {
  const json = {
    format: "layers-model",
    generatedBy: "Taskflock",
    convertedBy: null,
    modelTopology: artifact.modelTopology,
    weightsManifest: [{ paths: ["weights.bin"], weights: artifact.weightSpecs }],
  };
  // The weights first: who finds model.json finds them too.
  await files.write(within(folder, "weights.bin"), artifact.weightData);
  await files.write(within(folder, "model.json"), new TextEncoder().encode(JSON.stringify(json)));
}

/** Reads a model that `saveModel`, or TensorFlow.js itself, has written. Errors: FLOCK_TRAINING_MODEL when it is none. */
export async function openModel(files: Pick<TrainingFiles, "read">, folder = ""): Promise<ModelArtifact> {
  const name = within(folder, "model.json");
  const json = parse(name, new TextDecoder().decode(await files.read(name)));
  const paths = json.weightsManifest.flatMap((group) => group.paths);
  const parts = await Promise.all(paths.map((path) => files.read(within(folder, path))));
  const weightData = new Uint8Array(Buffer.concat(parts));
  return {
    modelTopology: json.modelTopology,
    weightSpecs: json.weightsManifest.flatMap((group) => group.weights),
    weightData,
  };
}

function parse(name: string, text: string): ModelJson {
  let json: ModelJson | null = null;
  try {
    json = JSON.parse(text) as ModelJson;
  } catch {
    // Said below.
  }
  const groups: unknown = json?.weightsManifest;
  if (json === null || !isPlainObject(json.modelTopology) || !Array.isArray(groups) || !groups.every(isGroup))
    throw new FlockError(
      "FLOCK_TRAINING_MODEL",
      `${name} is no layers model of TensorFlow.js: it lacks a topology and a list of weights.`,
    );
  return json;
}

function isGroup(group: unknown): boolean {
  return isPlainObject(group) && Array.isArray(group["paths"]) && Array.isArray(group["weights"]);
}

function within(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}
