import { decodeValue, type FailedCall } from "@taskflock/protocol";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { failureOf } from "../src/slot/failure.ts";
import { LogTail } from "../src/slot/log-tail.ts";
import { parameterNames } from "../src/slot/parameter-names.ts";
import { shapesOf } from "../src/slot/shapes.ts";
import { Harness, input, type Told, type Wanted } from "./slot-harness.ts";

class Matrix {
  readonly rows = 2;
  readonly columns = 3;
}

const hostile = new Proxy(
  {},
  {
    ownKeys: () => {
      throw new Error("no");
    },
  },
);

describe("arguments in short", () => {
  const shapes: [value: unknown, shape: string][] = [
    [3, "3"],
    [-0, "-0"],
    [undefined, "undefined"],
    [null, "null"],
    [12n, "12n"],
    [Symbol("s"), "Symbol(s)"],
    ["abc", '"abc"'],
    ["line\n".repeat(400), `"${"line\\n".repeat(8)}…" (2,000 characters)`],
    [[], "[]"],
    [[1, 2, 3], "number[3]"],
    [[1, "a"], "Array(2)"],
    [
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      "number[3][2]",
    ],
    [[[1, 2], [3]], "Array(2)"],
    [[new Date(0)], "Date[1]"],
    [new Float64Array(115_008), "Float64Array(115008)"],
    [Buffer.alloc(3), "Buffer(3)"],
    [new ArrayBuffer(8), "ArrayBuffer(8)"],
    [new Map([[1, 2]]), "Map(1)"],
    [new Date(0), "1970-01-01T00:00:00.000Z"],
    [/a+/g, "/a+/g"],
    [new TypeError("x"), "TypeError"],
    [{ C: 1, gamma: 2 }, "{ C, gamma }"],
    [{}, "{}"],
    [Object.create(null), "{}"],
    [Object.fromEntries([..."abcdefghij"].map((key) => [key, 1])), "{ a, b, c, d, e, f, g, h, … }"],
    [new Matrix(), "Matrix { rows, columns }"],
    [Matrix, "function Matrix"],
    [() => 1, "function (anonymous)"],
  ];

  it.each(shapes.map(([value, shape]) => ({ value, shape })))("$shape", ({ value, shape }) => {
    expect(shapesOf([value], null)).toBe(shape);
  });

  it("say so of what cannot be read", () => {
    expect(shapesOf([hostile, 1], null)).toBe("(unreadable), 1");
  });

  it("bear the names of the parameters, where the source says them", () => {
    const fit = (x: number, [row]: number[], ...rest: unknown[]): unknown => [x, row, rest];
    expect(shapesOf([3, [1], "a", "b"], fit)).toBe('x: 3, number[1], rest: "a", "b"');
  });

  it("are never long, and never throw", () => {
    fc.assert(
      fc.property(fc.array(fc.anything(), { maxLength: 100 }), (args) => {
        expect(shapesOf(args, null).length).toBeLessThanOrEqual(500);
      }),
      { seed: 11 },
    );
  });
});

describe("the names of parameters", () => {
  const named: [source: string, names: string[]][] = [
    ["(a, b) => a", ["a", "b"]],
    ["() => 1", []],
    ["a => a", ["a"]],
    ["async a => a", ["a"]],
    ["async (a, b = [1, 2], c = ')') => a", ["a", "b", "c"]],
    ["function f(a, /* not, these */ b, // nor, those\n c,) {}", ["a", "b", "c"]],
    ["async function* f({ a, b }, ...rest) {}", ["", "rest"]],
    ["function f(a = (x, y) => x, b = 'it\\'s, so') {}", ["a", "b"]],
    ["function größe($eins, _zwei) {}", ["$eins", "_zwei"]],
  ];

  it.each(named)("of %s", (source, names) => {
    const fn: unknown = new Function(`return (${source})`)();
    expect(parameterNames(fn)).toEqual(names);
  });

  it("are none for classes, built-in functions and values", () => {
    expect([Matrix, Math.max, Math.max.bind(null), 3].map((value) => parameterNames(value))).toEqual([[], [], [], []]);
  });
});

describe("the last lines that were printed", () => {
  it("are at most 20 and 2,048 characters, the last first to stay", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 3000 })), fc.string(), (texts, begun) => {
        const tail = new LogTail();
        for (const text of texts) tail.add(text);
        const lines = tail.lines(begun);
        const all = [...texts, ...(begun === "" ? [] : [begun])].join("\n");
        const expected = all.split("\n").slice(-lines.length);
        expect(lines.length).toBeLessThanOrEqual(20);
        expect(lines.join("\n").length).toBeLessThanOrEqual(2048);
        if (all.length < 2048 && all !== "") expect(lines).toEqual(all.split("\n").slice(-20));
        else expect(lines.slice(1)).toEqual(expected.slice(1));
      }),
      { seed: 12 },
    );
  });
});

describe("a failure tells the call", () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = new Harness();
    await harness.slots.start();
  });
  afterAll(() => harness.slots.close());

  async function failing(item: Wanted): Promise<{ told: Told; thrown: unknown; call: FailedCall }> {
    const told = await harness.outcome(item);
    const [thrown, call] = decodeValue(told.failure!.error) as [unknown, FailedCall];
    return { told, thrown, call };
  }

  it.each(["thread", "process"] as const)("function, arguments and output, in a %s", async (isolation) => {
    harness.keep(50, new Float64Array(7));
    const { thrown, call } = await failing({
      task: 1,
      fn: "(x, X) => { console.log('one'); console.error('two'); process.stdout.write('three'); throw new RangeError('no'); }",
      args: [3, input(0)],
      inputs: [50],
      isolation,
    });
    expect(thrown).toBeInstanceOf(RangeError);
    expect(call).toMatchObject({
      function: "f",
      arguments: "x: 3, X: Float64Array(7)",
      log: ["one", "two", "three"],
    });
    expect(call.folders.some((folder) => (thrown as Error).stack?.includes(folder))).toBe(true);
  });

  it("a function that cannot be loaded was not called", async () => {
    const { told, call } = await failing({ task: 2, fn: "1", args: [3] });
    expect(told.failure).toMatchObject({ code: "FLOCK_FUNCTION_NOT_SERIALIZABLE" });
    expect(call).toMatchObject({ function: "f", arguments: "", log: [] });
  });

  it("errors that no call led to have none", () => {
    expect(decodeValue(failureOf(new Error("x")).error)).toEqual([new Error("x"), null]);
  });
});
