// Errors of tasks as people read them, whatever stands in the bytes.

import { type CodePlace, encodeValue, type SourcePlace } from "@taskflock/protocol";
import { expect, test } from "vitest";
import type { Observer } from "../server/observer.ts";
import { readError } from "../server/task-error.ts";

/** Knows every place of the code 0123abcd: line 4 of it is line 104 of a.ts. */
const sources = {
  ask: async ({ places }: { places: readonly CodePlace[] }) => ({
    value: places.map(({ code, line, column, name }): SourcePlace | null =>
      code === "0123abcd" ? { file: line === 1 ? "" : "/code/a.ts", line: line + 100, column, name } : null,
    ),
  }),
} as unknown as Observer;

const call = {
  function: "f",
  arguments: "x: 5",
  line: "throw new TypeError(x)",
  log: ["a", "b"],
  folders: ["file:///opt/flock/"],
};
const failure = { code: "", name: "TypeError", message: "no" };

function thrown(stack: string, message = "no", more: object = {}): Error {
  const error = Object.assign(new TypeError(message), more);
  error.stack = stack;
  return error;
}

function bytesOf(value: unknown): Uint8Array {
  return encodeValue(value).toBytes();
}

const stackOf = (...frames: readonly string[]): string =>
  ["TypeError: no", ...frames.map((at) => `    at ${at}`)].join("\n");

test("frames of code that travelled are the user's own lines; what Taskflock and Node did is left out", async () => {
  const stack = stackOf(
    "inner (taskflock:f-0123abcd:4:9)",
    "Array.map (<anonymous>)",
    "async f (taskflock:f-0123abcd:7:1)",
    "taskflock:f-0123abcd:1:1",
    "run (file:///opt/flock/slot.js:10:2)",
    "other (/app/node_modules/lodash/map.js:3:4)",
    "AsyncLocalStorage.run (node:async_hooks:346:14)",
    "node:internal/main:1:2",
  );
  const error = await readError(sources, bytesOf([thrown(stack), call]), failure);
  expect(error).toEqual({
    name: "TypeError",
    code: "",
    message: "no",
    stack: stackOf(
      "inner (/code/a.ts:104:9)",
      "Array.map (<anonymous>)",
      "async f (/code/a.ts:107:1)",
      "other (/app/node_modules/lodash/map.js:3:4)",
    ),
    place: { function: "inner", file: "/code/a.ts", line: 104, column: 9 },
    causes: [],
    arguments: "x: 5",
    line: "throw new TypeError(x)",
    log: ["a", "b"],
  });
});

test("places that no client knows stay as they are", async () => {
  const stack = stackOf("inner (taskflock:odd (name)-9999ffff:4:9)", "run (/opt/flock/slot.js:1:1)");
  const error = await readError(sources, bytesOf([thrown(stack), call]), failure);
  expect(error.place).toEqual({ function: "inner", file: "taskflock:odd (name)-9999ffff", line: 4, column: 9 });
  expect(error.stack).toBe(stackOf("inner (taskflock:odd (name)-9999ffff:4:9)"));
});

test("a stack of nothing but Taskflock's own is shown whole; a message may look like one", async () => {
  const ours = stackOf("run (/opt/flock/slot.js:1:1)");
  expect((await readError(sources, bytesOf([thrown(ours), call]), failure)).stack).toBe(ours);
  const message = "a\n    at b (/c.ts:1:1)";
  const stack = `TypeError: ${message}\n    at inner (taskflock:f-0123abcd:4:9)`;
  const error = await readError(sources, bytesOf([thrown(stack, message), call]), { ...failure, message });
  expect([error.stack, error.place?.line]).toEqual([stack.replace("taskflock:f-0123abcd:4", "/code/a.ts:104"), 104]);
});

test("what led to it is told, once, and not without end", async () => {
  const root = thrown("RangeError: root\n    at g (taskflock:f-0123abcd:2:2)", "root");
  const circle = thrown("", "circle");
  circle.cause = circle;
  const many = new AggregateError([root, circle, ...Array.from({ length: 50 }, (_, n) => new Error(`e${n}`))], "many");
  const { causes } = await readError(sources, bytesOf([many, null]), { ...failure, name: "AggregateError" });
  expect(causes.slice(0, 2).map(({ message, place }) => [message, place?.line])).toEqual([
    ["root", 102],
    ["circle", undefined],
  ]);
  expect(causes.length).toBeLessThan(20);
});

test("an error of Taskflock's own keeps its code and its words", async () => {
  const coded = { code: "FLOCK_TIMEOUT", name: "FlockError", message: "It took longer than 5 ms." };
  const error = await readError(sources, bytesOf([thrown(stackOf("f (taskflock:f-0123abcd:4:1)")), call]), coded);
  expect(error).toMatchObject({ ...coded, place: { line: 104 } });
});

test.each([
  ["nothing", new Uint8Array()],
  ["rubbish", Uint8Array.of(9, 9, 9, 9)],
  ["no pair", bytesOf("text")],
  ["an empty pair", bytesOf([])],
  ["text", bytesOf(["only text", null])],
  [
    "a stack that is none",
    bytesOf([Object.assign(new Error("no"), { stack: { a: 1 }, name: 7 }), { log: 7, folders: [{}] }]),
  ],
  [
    "a very long text",
    bytesOf([thrown(`TypeError: ${"x".repeat(1_000_000)}`), { ...call, log: Array(500).fill("y") }]),
  ],
])("of %s, what is known without it is told", async (_what, bytes) => {
  const error = await readError(sources, bytes, failure);
  expect(error).toMatchObject({ name: "TypeError", message: "no", place: null });
  expect(JSON.stringify(error).length).toBeLessThan(400_000);
});
