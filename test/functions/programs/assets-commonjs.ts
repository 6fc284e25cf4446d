// The same files as in assets.ts, found as CommonJS code finds them.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { program } from "../program.ts";

/** Missing in the types of Node alone. */
declare const WebAssembly: {
  instantiate(code: Uint8Array): Promise<{ instance: { exports: { add(a: number, b: number): number } } }>;
};

const countLines = () =>
  readFileSync(join(__dirname, "parts", "words.txt"), "utf8")
    .trim()
    .split(/\s+/).length;
const readText = () => JSON.parse(readFileSync(`${__dirname}/parts/model.json`, "utf8"));
const addUp = async (a: number, b: number) => {
  const { instance } = await WebAssembly.instantiate(await readFile(resolve(__dirname, "parts/add.wasm")));
  return instance.exports.add(a, b);
};

program("assets-commonjs", [3, { name: "quadratic", coefficients: [2, 3, 3] }, 42], async (client) =>
  client.gather([client.submit(countLines, []), client.submit(readText, []), client.submit(addUp, [40, 2])]),
);
