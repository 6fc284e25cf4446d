// What it costs to look at a function at submit: to read what it captures, and to send its code.

import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Client, type Future, range } from "taskflock";
import type { Workload } from "../workload.ts";

const SUBMITS = 2000;
const NEW_FUNCTIONS = 200;
const ITEMS = 50_000;

type NumberFunction = (x: number) => number;

/** µs per submit, until the call returns. The results are awaited, not counted. */
async function submitUs(client: Client, functions: readonly NumberFunction[]): Promise<number> {
  const futures: Future<number>[] = [];
  const started = performance.now();
  for (const fn of functions) futures.push(client.submit(fn, [1]));
  const us = ((performance.now() - started) * 1000) / functions.length;
  await client.gather(futures);
  client.release(futures);
  return us;
}

let modules = 0;

/** Functions that nobody has seen: a new module of them. */
async function newFunctions(): Promise<NumberFunction[]> {
  const number = ++modules;
  const lines = range(NEW_FUNCTIONS).map((i) => `(x) => x * ${i} + ${number},`);
  const path = resolve(`.cache/bench/functions-${process.pid}-${number}.mjs`);
  writeFileSync(path, `export const functions = [\n${lines.join("\n")}\n];\n`);
  const { functions } = await import(pathToFileURL(path).href);
  return functions;
}

/** One function, submitted again and again; functions made anew at one place; functions of a new module. */
export const submitFunctions: Workload = {
  facts: { submits: SUBMITS, newFunctions: NEW_FUNCTIONS },
  start:
    ({ client }) =>
    async () => {
      const factor = 3;
      const plain: NumberFunction = (x) => x * 3;
      const closure: NumberFunction = (x) => x * factor;
      const closures = range(SUBMITS).map(
        (own): NumberFunction =>
          (x) =>
            x * own,
      );
      const fresh = await newFunctions();
      return {
        plainUs: await submitUs(client, Array(SUBMITS).fill(plain)),
        seenClosureUs: await submitUs(client, Array(SUBMITS).fill(closure)),
        newClosureUs: await submitUs(client, closures),
        newFunctionUs: await submitUs(client, fresh),
      };
    },
};

/** map + gather of an inline closure beside one of a function that captures nothing. */
export const mapClosure: Workload = {
  facts: { tasks: ITEMS },
  start: ({ client, measure }) => {
    const seconds = async (fn: NumberFunction): Promise<number> => {
      let futures: Future<number>[] = [];
      const taken = await measure(ITEMS, async () => {
        futures = client.map(fn, range(ITEMS));
        await client.gather(futures);
      });
      client.release(futures);
      return taken;
    };
    return async () => {
      const factor = 3;
      const plain = await seconds((x) => x * 3);
      const closure = await seconds((x) => x * factor);
      return { plainSeconds: plain, closureSeconds: closure, closureByPlain: closure / plain };
    };
  },
};
