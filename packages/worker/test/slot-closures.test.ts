import { existsSync } from "node:fs";
import { dirname } from "node:path";
import {
  assetDescription,
  decodeValue,
  encodeValue,
  type FailedCall,
  type FunctionDescription,
  functionDescription,
  type LeafOf,
  type ValueLeaf,
} from "@taskflock/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { plainFunction } from "./plain-function.ts";
import { Harness, input, type Told, type Wanted } from "./slot-harness.ts";

let harness: Harness;
const open: Harness[] = [];

async function start(options?: ConstructorParameters<typeof Harness>[0]): Promise<Harness> {
  const started = new Harness(options);
  open.push(started);
  await started.slots.start();
  return started;
}

beforeEach(async () => {
  harness = await start();
});

afterEach(async () => {
  await Promise.all(open.splice(0).map(({ slots }) => slots.close()));
});

type Code = (...args: never[]) => unknown;

/** What a client would find out of a function: its code, and what it captures. */
interface Traveller {
  readonly description: FunctionDescription;
  readonly captured: readonly unknown[];
  /** Functions of the closure, as it calls them in `bind`; the first is the closure itself. */
  readonly units: readonly unknown[];
}

const travellers = new Map<unknown, Traveller>();

function closure(code: string, captured: readonly unknown[] = [], ...units: readonly unknown[]): Code {
  const fn = class {} as unknown as Code;
  const description = functionDescription({ name: "work", code, imports: [], assets: [], closure: true });
  travellers.set(fn, { description, captured, units: [fn, ...units] });
  return fn;
}

/** A call, as a client would encode it. */
class Call {
  readonly functions: FunctionDescription[] = [];
  readonly #open: Traveller[] = [];

  readonly leaf: LeafOf = (value) => {
    if (typeof value === "function") return this.#function(value);
    const type: unknown = value.constructor;
    return typeof type === "function" && travellers.has(type) ? { kind: "instance", type } : undefined;
  };

  #function(value: unknown): ValueLeaf | undefined {
    const unit = this.#open.at(-1)?.units.indexOf(value) ?? -1;
    if (unit >= 0) return { kind: "unit", index: unit };
    const found = travellers.get(value);
    if (found === undefined) return undefined;
    this.#open.push(found);
    const { captured } = found;
    return { kind: "closure", index: this.place(found.description), captured, end: () => this.#open.pop() };
  }

  place(description: FunctionDescription): number {
    const known = this.functions.findIndex(({ hash }) => hash === description.hash);
    return known >= 0 ? known : this.functions.push(description) - 1;
  }
}

let tasks = 0;

function outcome(main: Code, args: readonly unknown[], rest: Partial<Wanted> = {}, by = harness): Promise<Told> {
  const { description } = travellers.get(main)!;
  const call = new Call();
  // Said before the arguments are encoded for good, so that all functions have their places.
  encodeValue([main, ...args], { leaf: (value, path) => call.leaf(value, path) ?? { kind: "future", index: 0 } });
  const { leaf, functions } = call;
  return by.outcome({ task: ++tasks, fn: description, args: [main, ...args], functions, leaf, ...rest });
}

describe("a call whose arguments refer to what travels with its function", () => {
  class Unit {}
  const code = `return (bind) => {
    class Unit {}
    const main = (type, x) => {
      if (x < 0) throw new RangeError("no");
      return [type === Unit, x];
    };
    bind([main, Unit]);
    return main;
  };`;
  const shared = (...args: readonly unknown[]): Promise<Told> => {
    const main = closure(code, [args], Unit);
    const call = new Call();
    const { leaf, functions } = call;
    const { description } = travellers.get(main)!;
    call.place(description);
    return harness.outcome({ task: ++tasks, fn: description, args: { main, args }, functions, leaf });
  };

  it("has them as they are, also for people who read that it failed", async () => {
    expect(await shared(Unit, 3)).toMatchObject({ value: [true, 3] });
    const { failure } = await shared(Unit, -3);
    const [error, call] = decodeValue(failure!.error) as [Error, FailedCall];
    expect([error.message, call.arguments]).toEqual(["no", "type: function Unit, x: -3"]);
  });

  it("is malformed without a function or arguments", async () => {
    for (const args of [5, null, {}, { main: 1, args: [] }, { main: [], args: 1 }]) {
      const { failure } = await harness.outcome({ task: ++tasks, fn: "(x) => x", args });
      expect(failure).toMatchObject({ code: "FLOCK_VALUE_MALFORMED", message: expect.stringMatching(/no array/) });
    }
  });
});

describe("a task whose function captures values", () => {
  const adder =
    "return (bind) => { const [step, seen] = bind([add]); function add(x) { return [x + step.by, x === seen, arguments.length]; } return add; };";

  for (const isolation of ["thread", "process"] as const) {
    it(`runs with them, in a ${isolation}`, async () => {
      for (const by of [1, 10]) {
        expect(await outcome(closure(adder, [{ by }]), [5], { isolation })).toMatchObject({
          value: [5 + by, false, 1],
        });
      }
    });
  }

  it("sees the very objects that are in its arguments", async () => {
    const shared = { a: 1 };
    const code = "return (bind) => { const [seen] = bind([]); return (x) => x.list[0] === seen; };";
    expect(await outcome(closure(code, [shared]), [{ list: [shared] }])).toMatchObject({ value: true });
  });

  it("runs with captured values that were encoded before", async () => {
    const main = closure(adder, []);
    const encoded = encodeValue([{ by: 100 }]).toBytes();
    const functions = [travellers.get(main)!.description];
    const leaf = (value: object): ValueLeaf | undefined =>
      value === main ? { kind: "boundClosure", index: 0, encoded } : undefined;
    const told = await harness.outcome({ task: ++tasks, fn: functions[0]!, args: [main, 7], functions, leaf });
    expect(told).toMatchObject({ value: [107, false, 1] });
  });

  it("has each call its own", async () => {
    const code = "return (bind) => { let [n] = bind([]); return () => ++n; };";
    const values = [];
    for (const n of [1, 1, 5]) values.push((await outcome(closure(code, [n]), [])).value);
    expect(values).toEqual([2, 2, 6]);
  });

  it("may capture the results of other tasks", async () => {
    harness.keep(50, new Float64Array([1, 2, 3]));
    const code = "return (bind) => { const [data] = bind([]); return (k) => data.X[k] + data.X.length; };";
    expect(await outcome(closure(code, [{ X: input(0) }]), [2], { inputs: [50] })).toMatchObject({ value: 6 });
  });

  it("is async, throws with its lines, and its arguments are told without it", async () => {
    const code =
      "return (bind) => {\n  const [why] = bind([fail]);\n  async function fail(x) {\n    throw new RangeError(why + x);\n  }\n  return fail;\n};";
    const main = closure(code, ["no "]);
    const { failure } = await outcome(main, [3]);
    expect(failure).toMatchObject({ code: null, name: "RangeError", message: "no 3", retryable: true });
    const [error, call] = decodeValue(failure!.error) as [Error, FailedCall];
    expect(call).toMatchObject({ function: "work", arguments: "x: 3" });
    expect(error.stack).toContain(`fail (taskflock:work-${travellers.get(main)!.description.hash.slice(0, 8)}:4:11)`);
  });
});

describe("functions inside arguments", () => {
  const apply = closure("return (bind) => { bind([]); return (fs, x) => fs.map((f) => f(x)); };");

  it("capture values, each its own, and one function twice is one", async () => {
    const code = "return (bind) => { const [by] = bind([times]); function times(x) { return x * by; } return times; };";
    const double = closure(code, [2]);
    expect(await outcome(apply, [[double, closure(code, [3]), double], 7])).toMatchObject({ value: [14, 21, 14] });
    const same = closure("return (bind) => { bind([]); return (a, b) => a === b; };");
    expect(await outcome(same, [double, double])).toMatchObject({ value: true });
    expect(await outcome(same, [double, closure(code, [2])])).toMatchObject({ value: false });
  });

  it("may be captured by others, and by functions of their own", async () => {
    const inner = closure("return (bind) => { const [by] = bind([]); return (x) => x + by; };", [1]);
    const helper = function helper(): void {};
    const code =
      "return (bind) => { const [inner, held] = bind([outer, helper]); function helper(x) { return x * 100; } " +
      "function outer(x, again = true) { return again ? held.self(held.helper(inner(x)), false) : x; } return outer; };";
    const held: Record<string, unknown> = { helper };
    const outer = closure(code, [inner, held], helper);
    held["self"] = outer;
    expect(await outcome(apply, [[outer], 4])).toMatchObject({ value: [500] });
  });

  it("are plain where they capture nothing", async () => {
    const plain = plainFunction("return (x) => -x;");
    const marker = function marker(): void {};
    const told = await harness.outcome({
      task: ++tasks,
      fn: "(f, x) => f(x)",
      args: [marker, 6],
      functions: [plain],
      leaf: (value) => (value === marker ? { kind: "function", index: 0 } : undefined),
    });
    expect(told).toMatchObject({ value: -6 });
  });
});

describe("instances of a user's class", () => {
  const code =
    "return (bind) => { let unit; class Point { constructor(x) { this.x = x; throw new Error('not to run'); } " +
    "get shown() { return this.x + unit; } } [unit] = bind([Point]); return Point; };";

  it("arrive as instances, with their methods", async () => {
    const Point = closure(code, [" m"]);
    const point: { x: number; next?: unknown } = Object.assign(Object.create(Point.prototype) as object, { x: 3 });
    point.next = point;
    const show = closure("return (bind) => { bind([]); return (p, P) => [p.shown, p.next === p, p instanceof P]; };");
    expect(await outcome(show, [point, Point])).toMatchObject({ value: ["3 m", true, true] });
  });

  it("do not come back: what to do instead is said", async () => {
    const Point = closure(code, [" m"]);
    const point: object = Object.assign(Object.create(Point.prototype) as object, { x: 3 });
    const back = closure("return (bind) => { bind([]); return (p) => ({ best: p }); };");
    expect((await outcome(back, [point])).failure).toMatchObject({
      code: "FLOCK_NOT_SERIALIZABLE",
      retryable: false,
      message:
        "result.best is a Point, which cannot travel: make a plain object of its fields, or register the class with registerClass(Point, …) on both ends.",
    });
    const self = closure("return (bind) => { bind([]); return function made() { return made; }; };");
    expect((await outcome(self, [])).failure?.message).toMatch(/^result is a function \(made\), which cannot travel/);
  });
});

describe("code and arguments that do not fit", () => {
  const plain = plainFunction("return () => 1;");
  const bad: Record<string, [code: string, message: RegExp]> = {
    "a factory that does not bind": ["return () => () => 1;", /a closure does not ask for what it captured/],
    "a factory that binds twice": ["return (bind) => (bind([]), bind([]));", /asks twice/],
  };
  for (const [what, [code, message]] of Object.entries(bad)) {
    it(what, async () => {
      const { failure } = await outcome(closure(code), []);
      expect(failure).toMatchObject({ code: "FLOCK_VALUE_MALFORMED", retryable: false });
      expect(failure?.message).toMatch(message);
    });
  }

  it("a factory that gives no function", async () => {
    expect((await outcome(closure("return (bind) => { bind([]); return 5; };"), [])).failure).toMatchObject({
      code: "FLOCK_FUNCTION_NOT_SERIALIZABLE",
      message: "The code of work gives no function.",
    });
  });

  it("a factory that throws: the error is the user's", async () => {
    const code = "return (bind) => { const [x] = bind([]); class A { static y = x.y.z; } return () => A.y; };";
    expect((await outcome(closure(code, [{}]), [])).failure).toMatchObject({ code: null, name: "TypeError" });
  });

  it("arguments that do not begin with the function", async () => {
    const fn = travellers.get(closure("return (bind) => { bind([]); return () => 1; };"))!.description;
    const { failure } = await harness.outcome({ task: ++tasks, fn, args: [1], functions: [fn] });
    expect(failure).toMatchObject({ code: "FLOCK_VALUE_MALFORMED", retryable: false });
    expect(failure?.message).toMatch(/do not begin with its function/);
  });

  it("a plain function with captured values, a closure without, and one that is not in the table", async () => {
    const marker = closure("return (bind) => { bind([]); return () => 1; };");
    const { description } = travellers.get(marker)!;
    const attempts: [functions: FunctionDescription[], leaf: ValueLeaf][] = [
      [[plain], { kind: "closure", index: 0, captured: [], end: () => undefined }],
      [[description], { kind: "function", index: 0 }],
      [[plain], { kind: "function", index: 1 }],
      [[description], { kind: "closure", index: 1, captured: [], end: () => undefined }],
    ];
    for (const [functions, leaf] of attempts) {
      const told = await harness.outcome({ task: ++tasks, fn: "() => 1", args: [marker], functions, leaf: () => leaf });
      expect(told.failure).toMatchObject({ code: "FLOCK_VALUE_MALFORMED", retryable: false });
    }
    expect(await harness.outcome({ task: ++tasks, fn: "() => 'goes on'" })).toMatchObject({ value: "goes on" });
  });

  it("a package that the worker has not: no retry helps", async () => {
    const lost = { name: "no-such-package", version: "1.0.0", hash: "00" };
    const rest = { kind: "import", when: "load", from: "/", bundle: null, reason: "has native code" } as const;
    const imports = [{ specifier: "no-such-package", package: lost, ...rest }];
    const fn = functionDescription({ name: "work", code: "return () => 1;", imports, assets: [], closure: false });
    const { failure } = await harness.outcome({ task: ++tasks, fn });
    expect(failure).toMatchObject({ code: "FLOCK_FUNCTION_NOT_FOUND", retryable: false });
    expect(failure?.message).toContain("install no-such-package@1.0.0 on the worker");
  });
});

describe("assets", () => {
  const code = "return () => [$assets[0].path, require('node:fs').readFileSync($assets[0].path, 'utf8')];";
  const assets = [assetDescription("a.txt", Buffer.from("text"))];
  const fn = functionDescription({ name: "read", code, imports: [], assets, closure: false });

  async function read(by: Harness, wanted: Partial<Wanted> = {}): Promise<string> {
    const { value } = await by.outcome({ task: ++tasks, fn, ...wanted });
    expect(value).toEqual([expect.stringMatching(/taskflock-assets-.*a\.txt$/), "text"]);
    return (value as string[])[0]!;
  }

  it("lie in one folder for all threads and processes of a worker, until it ends", async () => {
    const two = await start({ slots: 2 });
    const path = await read(two);
    two.run([{ task: ++tasks, fn }], 1);
    expect((await two.next("finished", tasks)).value).toEqual([path, "text"]);
    await two.next("free");
    expect(await read(two, { isolation: "process" })).toBe(path);
    expect(await read(harness)).not.toBe(path);
    await two.slots.close();
    expect(existsSync(dirname(dirname(path)))).toBe(false);
  });

  for (const isolation of ["thread", "process"] as const) {
    it(`outlive a ${isolation} that is ended, and go with the worker`, async () => {
      const forever = { task: ++tasks, fn: "() => { console.log('begun'); for (;;); }", isolation };
      const path = await read(harness, { isolation });
      harness.run([forever]);
      await harness.next("log", forever.task);
      harness.slots.end(0, "cancelled");
      await harness.next("replaced");
      expect(await read(harness, { isolation })).toBe(path);
      await harness.slots.close();
      expect(existsSync(dirname(dirname(path)))).toBe(false);
    });
  }
});
