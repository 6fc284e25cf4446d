import { inspect } from "node:util";
import {
  type Cancelled,
  encodeValue,
  type Failed,
  type FailedCall,
  FlockError,
  NO_PAYLOAD,
  PayloadStore,
  type TaskNumber,
} from "@taskflock/protocol";
import { describe, expect, it } from "vitest";
import { errorOf } from "../src/failures.ts";
import { registerPositions } from "../src/stacks/positions.ts";

const payloads = new PayloadStore();
const call: FailedCall = {
  function: "fit",
  arguments: "x: 3, rows: number[1797]",
  log: ["epoch 1", "epoch 2"],
  folders: ["file:///opt/flock/"],
  line: 'throw new RangeError("no such row")',
};

function failed(thrown: unknown, fields: Partial<Omit<Failed, "failure">> & { code?: "FLOCK_TIMEOUT" } = {}): Failed {
  const { code = null, ...rest } = fields;
  const bytes = encodeValue([thrown, call]).toBytes();
  const { name, message } = thrown instanceof Error ? thrown : { name: "Odd", message: String(thrown) };
  const failure = { code, name, message, error: payloads.put(bytes), errorBytes: bytes.length };
  return { t: "failed", n: 1 as TaskNumber, failure, worker: "w1", attempt: 2, failedKey: null, ...rest };
}

describe("the error of a task", () => {
  it("is what was thrown, with where and what it was", () => {
    const thrown = Object.assign(new RangeError("no such row", { cause: new Error("deeper") }), { row: 3 });
    thrown.stack =
      "RangeError: no such row\n    at fit (/app/main.ts:3:4)\n    at run (file:///opt/flock/dist/x.js:1:1)";
    const error = errorOf(failed(thrown), "fit-1-1", payloads);
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: "no such row", cause: { message: "deeper" } });
    expect(error.stack).toBe("RangeError: no such row\n    at fit (/app/main.ts:3:4)");
    const { folders: _, line: __, ...task } = call;
    expect({ ...error }).toEqual({ row: 3, taskKey: "fit-1-1", worker: "w1", attempt: 2, task });
    expect(inspect(error)).toBe(
      [
        "RangeError: no such row",
        "    at fit (/app/main.ts:3:4) {",
        "  row: 3,",
        "  taskKey: 'fit-1-1',",
        "  worker: 'w1',",
        "  attempt: 2,",
        "  task: {",
        "    function: 'fit',",
        "    arguments: 'x: 3, rows: number[1797]',",
        "    log: [ 'epoch 1', 'epoch 2' ]",
        "  },",
        `  [cause]: ${inspect(error.cause).split("\n").join("\n  ")}`,
        "}",
      ].join("\n"),
    );
  });

  it("keeps a property `task` of its own", () => {
    const error = errorOf(failed(Object.assign(new Error("x"), { task: "mine" })), "k", payloads);
    expect(error).toMatchObject({ task: "mine", taskKey: "k" });
  });

  it("is printed with the name of its class, which is not here", () => {
    class ShapeError extends TypeError {}
    const error = errorOf(failed(new ShapeError("round")), "k", payloads);
    expect(error).toBeInstanceOf(TypeError);
    expect(error.name).toBe("ShapeError");
    expect(error.stack).toMatch(/^ShapeError: round\n {4}at /);
    expect(inspect(error).split("\n")[0]).toBe("TypeError [ShapeError]: round"); // both, as Node does it
  });

  it("names the user's lines, in its causes too", () => {
    registerPositions("abcdef12", { scripts: [{ url: "file:///m.ts", sourceMapUrl: "" }], segments: [0, 0, 0, 9, 0] });
    const frame = "    at f (taskflock:f-abcdef12:1:1)";
    const cause = Object.assign(new Error("inner"), { stack: `Error: inner\n${frame}` });
    const thrown = Object.assign(new Error("outer", { cause }), { stack: `Error: outer\n${frame}` });
    const error = errorOf(failed(thrown), "k", payloads);
    expect(error.stack).toBe("Error: outer\n    at f (/m.ts:10:1)");
    expect((error.cause as Error).stack).toBe("Error: inner\n    at f (/m.ts:10:1)");
  });

  it("is another one in each call", () => {
    const outcome = failed(new Error("x"));
    expect(errorOf(outcome, "k", payloads)).not.toBe(errorOf(outcome, "k", payloads));
  });

  it("is coded where the failure is, with what led to it as the cause", () => {
    const own = errorOf(failed(new FlockError("FLOCK_TIMEOUT", "late"), { code: "FLOCK_TIMEOUT" }), "k", payloads);
    expect(own).toMatchObject({ code: "FLOCK_TIMEOUT", message: "late", task: { function: "fit" } });
    const other = errorOf(failed(new Error("aborted"), { code: "FLOCK_TIMEOUT" }), "k", payloads);
    expect(other).toMatchObject({ code: "FLOCK_TIMEOUT", cause: { message: "aborted" } });
  });

  it("is told without bytes, and with bytes that are none", () => {
    for (const bytes of [new Uint8Array(0), new Uint8Array([255, 1]), encodeValue(new Error("old")).toBytes()]) {
      const outcome = failed(new TypeError("gone"));
      const error = bytes.length === 0 ? NO_PAYLOAD : payloads.put(bytes);
      const failure = { ...outcome.failure, error, errorBytes: bytes.length };
      const told = errorOf({ ...outcome, failure }, "k", payloads);
      expect(told).toMatchObject({ name: "TypeError", message: "gone", taskKey: "k" });
      expect(told.stack).toBeUndefined();
      expect(told).not.toHaveProperty("task");
    }
  });

  it("of a task that could not run has the first failure as its cause", () => {
    const error = errorOf(failed(new Error("first"), { failedKey: "a-1-1" }), "b-1-2", payloads);
    expect(error).toMatchObject({
      code: "FLOCK_DEPENDENCY_FAILED",
      taskKey: "b-1-2",
      cause: { message: "first", taskKey: "a-1-1", worker: "w1", task: { function: "fit" } },
    });
    expect(error).not.toHaveProperty("task");
  });

  it("of a cancelled task says why", () => {
    const outcome: Cancelled = { t: "cancelled", n: 1 as TaskNumber, reason: "no more" };
    expect(errorOf(outcome, "k", payloads)).toMatchObject({
      code: "FLOCK_CANCELLED",
      message: expect.stringMatching(/no more/),
    });
  });
});
