// Files that the code reads next to its module: text, JSON, WebAssembly.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { program } from "../program.ts";

/** Missing in the types of Node alone. */
declare const WebAssembly: {
  instantiate(code: Uint8Array): Promise<{ instance: { exports: { add(a: number, b: number): number } } }>;
};

const wordsUrl = () => new URL("./parts/words.txt", import.meta.url);

const countWords = () => readFileSync(wordsUrl(), "utf8").trim().split(/\s+/).length;
const readModel = () => JSON.parse(readFileSync(fileURLToPath(new URL("./parts/model.json", import.meta.url)), "utf8"));
const add = async (a: number, b: number) => {
  const code = await readFile(new URL("./parts/add.wasm", import.meta.url));
  const { instance } = await WebAssembly.instantiate(code);
  return instance.exports.add(a, b);
};

program("assets", [3, { name: "quadratic", coefficients: [2, 3, 3] }, 42], async (client) =>
  client.gather([client.submit(countWords, []), client.submit(readModel, []), client.submit(add, [40, 2])]),
);
