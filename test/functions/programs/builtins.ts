// Imports of Node's own modules, by name, by default and as a namespace; the language's own functions, taken out of their objects.
import { createHash } from "node:crypto";
import os from "node:os";
import * as path from "node:path";
import { basename as fileNameOf } from "node:path/posix";
import { inspect } from "node:util";
import { program } from "../program.ts";

const { max, min: smallest } = Math;
const { stringify } = JSON;
const { isArray } = Array;
const print = inspect;

const fingerprint = (text: string) => createHash("sha256").update(text).digest("hex");
const places = (name: string) => [path.posix.join("a", name), fileNameOf(`/b/${name}`), path.sep, os.EOL];
const numbers = (values: readonly number[]) => [
  max(...values),
  smallest(...values),
  isArray(values),
  stringify(values),
];
const shown = (value: object) => [
  print(value),
  inspect.defaultOptions.depth,
  typeof setTimeout,
  Number.parseInt("12px", 10),
];

program("builtins", [fingerprint("flock"), places("c.txt"), numbers([3, 1, 2]), shown({ a: [1] })], async (client) =>
  client.gather([
    client.submit(fingerprint, ["flock"]),
    client.submit(places, ["c.txt"]),
    client.submit(numbers, [[3, 1, 2]]),
    client.submit(shown, [{ a: [1] }]),
  ]),
);
