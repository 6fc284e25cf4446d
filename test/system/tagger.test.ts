// The tagger of Stack Overflow posts, as a person runs it, made small by its flags.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nativeModule } from "@taskflock/tensors";
import { parquetWriteBuffer } from "hyparquet-writer";
import { TrainedModel } from "taskflock";
import { afterAll, expect, test } from "vitest";
import { makeCorpus } from "../../examples/stackoverflow/corpus.ts";
import { root } from "../tidy/tree.ts";

const folder = mkdtempSync(join(tmpdir(), "taskflock-tagger-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const small = "--posts 1200 --tags 5 --length 50 --filters 32 --embedding 16 --batch 8".split(" ");

interface Told {
  readonly backend: string;
  readonly losses: readonly number[];
  readonly networkF1: number;
  readonly wordsF1: number;
  readonly best: number;
}

/** What it printed, and how much of that while it trained; the figures at the end. */
async function tagger(
  args: readonly string[],
): Promise<{ readonly text: string; readonly told: Told; readonly first: string }> {
  const child = spawn(process.execPath, ["--import", "tsx", "examples/stackoverflow-tagger.ts", ...args, "--json"], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [text, errors, first] = ["", "", ""];
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  child.stdout.on("data", (chunk) => {
    text += chunk;
    if (first === "" && text.includes("epoch 1/")) first = text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  expect(code, text + errors).toBe(0);
  const last = text.trimEnd().split("\n").at(-1) ?? "";
  return { text, told: JSON.parse(last) as Told, first };
}

/** The epoch whose figure is the largest, the first of equal ones. */
function bestOf(text: string): number {
  const figures = [...text.matchAll(/^epoch \d.* valCategoricalAccuracy (\S+)/gm)].map((match) => Number(match[1]));
  return figures.indexOf(Math.max(...figures)) + 1;
}

const onWasm = tagger([...small, "--backend", "wasm"]);
onWasm.catch(() => undefined);

test("on wasm: epochs stream, the best epoch is the result, and it knows more than a bag of words", async () => {
  const { text, told, first } = await onWasm;
  expect(text.match(/^epoch \d\/4 /gm)).toHaveLength(4);
  expect(first).not.toContain("epoch 4/4");
  expect(told).toMatchObject({ backend: "wasm", best: bestOf(text) });
  expect(told.losses[3]).toBeLessThan(told.losses[0] as number);
  expect(told.networkF1).toBeGreaterThan(told.wordsF1 + 0.02);
  expect(text).toMatch(/Total params: [\d,]+/);
  expect(text).toMatch(/^text +above 0\.3 +above 0\.5 +above 0\.7 +actual tags$/m);
});

test.skipIf("why" in nativeModule(false))("on native TensorFlow: the same losses, within one percent", async () => {
  const { told } = await tagger([...small, "--backend", "node"]);
  const { told: wasm } = await onWasm;
  expect(told.backend).toBe("node");
  for (const [epoch, loss] of told.losses.entries()) {
    expect(Math.abs(loss / (wasm.losses[epoch] as number) - 1)).toBeLessThan(0.01);
  }
  expect(told.networkF1).toBeGreaterThan(told.wordsF1 + 0.02);
});

/** As the article's files are: a column of words, and one of 0 and 1 for each tag. */
function writePosts(path: string): void {
  const posts = makeCorpus({ posts: 700, tags: 3, words: 20, seed: 1 });
  const names = [...new Set(posts.flatMap(({ tags }) => tags))];
  const labels = names.map((name) => ({ name, data: posts.map(({ tags }) => Number(tags.includes(name))) }));
  const buffer = parquetWriteBuffer({
    columnData: [{ name: "_Body", data: posts.map(({ text }) => text.split(" ")) }, ...labels],
    schema: [
      { name: "root", num_children: 1 + names.length },
      { name: "_Body", repetition_type: "OPTIONAL", converted_type: "LIST", num_children: 1 },
      { name: "list", repetition_type: "REPEATED", num_children: 1 },
      { name: "element", type: "BYTE_ARRAY", repetition_type: "OPTIONAL", converted_type: "UTF8" },
      ...names.map((name) => ({ name, type: "INT32" as const, repetition_type: "REQUIRED" as const })),
    ],
  });
  writeFileSync(path, new Uint8Array(buffer));
}

test("from Parquet files as the article's: a multiple of batch × length; the model is saved", async () => {
  const data = join(folder, "posts.parquet");
  const saved = join(folder, "model");
  writePosts(data);
  const sizes = "--length 20 --filters 8 --embedding 4 --batch 16 --epochs 1 --backend wasm".split(" ");
  const { text } = await tagger(["--data", data, "--save", saved, ...sizes]);
  expect(text).toMatch(/^640 posts, 3 tags$/m);
  expect(existsSync(join(saved, "model.json"))).toBe(true);
  const { artifact } = await TrainedModel.open(saved);
  expect(JSON.stringify(artifact.modelTopology)).toContain('"units":3');
});
