// A function that travels computes what it computes here, or does not travel: never something else. And how often things travel.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, isFlockError, LocalCluster } from "taskflock";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runNode } from "../../scripts/ensure.mjs";
import { removeWorkplace, workplace } from "./environments.ts";

// biome-ignore lint/complexity/noStaticOnlyClass: users write them
class Settings {
  static limit = 10;
  static names = ["a"];
}
Settings.limit = 20;
Settings.names.push("b");

class Patched {
  value(): number {
    return 1;
  }
}
Patched.prototype.value = () => 2;

interface Counting {
  (): number;
  calls: number;
}
const withProperty: Counting = Object.assign(() => withProperty.calls + 1, { calls: 5 });

const accessors = {
  base: 2,
  get doubled() {
    return this.base * 2;
  },
};
const withoutPrototype = Object.assign(Object.create(null), { key: 1 });
const inherited = Object.create({ greeting: "hello" });
// biome-ignore lint/suspicious/noSparseArray: users have them
const sparse = [1, , 3];
const registered = Symbol.for("taskflock.test");
const own = Symbol("own");
const hide = (value: number) => ({ [own]: value });
let reassigned = () => 1;
reassigned = () => 2;
// biome-ignore lint/suspicious/noFunctionAssign: users do this in JavaScript
function redeclared(): number {
  return 1;
}
const original = redeclared;
// @ts-expect-error: users do this in JavaScript
redeclared = () => original() + 10;

const makeShadowed = () => {
  // biome-ignore lint/suspicious/noShadowRestrictedNames: users do it
  const Math = { max: () => -1 };
  // biome-ignore lint/suspicious/noShadowRestrictedNames: users do it
  const JSON = { stringify: () => "mine" };
  return () => [Math.max(), JSON.stringify()];
};
const later = { fn: () => "first" };
const callsLater = () => later.fn();
later.fn = () => "second";

class Handler {
  static #limit = 10;
  count = 1;
  handle = (x: number): number => Math.min(x + this.count, Handler.#limit);
  fail = (): never => {
    throw new Error(`at ${this.count}`);
  };
}
const handler = new Handler();
handler.count = 4;
const scale = (x: number): number => x * 2;
const known = [scale];

const cases: readonly (readonly [name: string, fn: () => unknown])[] = [
  ["static fields that changed", () => [Settings.limit, Settings.names]],
  ["a prototype that changed", () => new Patched().value()],
  ["a function with properties", () => [withProperty(), withProperty.calls]],
  ["accessors of an object", () => accessors.doubled],
  ["an object without a prototype", () => [Object.getPrototypeOf(withoutPrototype), withoutPrototype.key]],
  ["an object with a prototype that is no class's", () => inherited.greeting],
  ["a list with gaps", () => [sparse.length, 1 in sparse, sparse.map(() => 1).length]],
  ["a symbol that all share", () => registered === Symbol.for("taskflock.test")],
  ["a symbol of its own", () => [hide(7)[own], own.description, String(own)]],
  ["a variable that was given another function", () => reassigned()],
  ["a function declaration that was overwritten", () => redeclared()],
  ["names that hide globals", makeShadowed()],
  ["a member that was replaced", callsLater],
  ["its own name and length", () => [makeShadowed.name, callsLater.length, Settings.name, original.name]],
  ["its own text", () => reassigned.toString()],
];

afterAll(removeWorkplace);

describe("a function that travels", () => {
  let cluster: LocalCluster;
  let client: Client;

  beforeAll(async () => {
    cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 2 });
    client = await cluster.connect({ logs: "ignore" });
  });

  afterAll(async () => {
    await client.close();
    await cluster.close();
  });

  it.each(cases)("means the same there, or is refused: %s", async (_, fn) => {
    const here = fn();
    try {
      expect(await client.call(fn, [])).toEqual(here);
    } catch (error) {
      if (!isFlockError(error, "FLOCK_FUNCTION_NOT_SERIALIZABLE")) throw error;
    }
  });

  it("has the functions that a class made for an instance", async () => {
    expect(await client.call(() => [handler.count, handler.handle(2), handler.handle(20)], [])).toEqual([4, 6, 10]);
    expect(await client.gather(client.map((given: Handler) => given.handle(3), [handler, new Handler()]))).toEqual([
      7, 4,
    ]);
    const line = readFileSync(import.meta.filename, "utf8")
      .split("throw new Error(`at")[0]
      ?.split("\n").length;
    const error = await client.submit(() => handler.fail(), []).error();
    expect(error).toMatchObject({ message: "at 4" });
    expect(error?.stack).toMatch(new RegExp(`fail .*meaning\\.test\\.ts:${line}:`));
    expect(() => client.submit(handler.handle, [1])).toThrowError(/\(…args\) => object\.handle\(…args\)/);
  });

  it("knows what it uses among its arguments", async () => {
    expect(await client.call((type: unknown) => [type === Handler, handler instanceof Handler], [Handler])).toEqual([
      true,
      true,
    ]);
    const isKnown = (fn: (x: number) => number, x: number) => [known.includes(fn), fn(x)];
    const futures = client.map(isKnown, [scale, (x: number) => x, scale], [1, 2, 3]);
    expect(await client.gather(futures)).toEqual([
      [true, 2],
      [false, 2],
      [true, 6],
    ]);
    const [one, again] = [1, 1].map((x) => client.submit(isKnown, [scale, x], { pure: true }));
    expect(one?.key).toBe(again?.key);
    const failing = (fn: unknown, rows: number[]) => {
      throw new Error(`${known.includes(fn as typeof scale)} ${rows.length}`);
    };
    const error = await client.submit(failing, [scale, [1, 2, 3]]).error();
    expect(error).toMatchObject({ message: "true 3", task: { arguments: "fn: function scale, rows: number[3]" } });
  });

  it("is one bundle of code, however many closures of it there are over different values", async () => {
    const { functions } = await client.cluster();
    const makeAdder = (amount: number, label: string) => (x: number) => `${label}${x + amount}`;
    const futures = Array.from({ length: 1000 }, (_, i) => client.submit(makeAdder(i, `${i}:`), [1]));
    const results = await client.gather(futures);
    expect(results).toEqual(Array.from({ length: 1000 }, (_, i) => `${i}:${1 + i}`));
    expect((await client.cluster()).functions).toBe(functions + 1);
  });

  it("brings what is large once, however many calls use it", async () => {
    const large = Float64Array.from({ length: 50_000 }, (_, i) => i);
    const storedBytes = async () => (await client.workers()).reduce((sum, worker) => sum + worker.storedBytes, 0);
    const before = await storedBytes();
    const futures = Array.from({ length: 100 }, (_, i) => client.submit((index: number) => large[index + i], [7]));
    expect(await client.gather(futures)).toEqual(Array.from({ length: 100 }, (_, i) => 7 + i));
    expect((await storedBytes()) - before).toBeLessThan(2 * large.byteLength);
  });

  it("is the code of today, when a file was edited, on a cluster that runs on", async () => {
    const folder = join(workplace, "edited");
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const tokenFile = join(folder, "token");
    writeFileSync(tokenFile, cluster.token, { mode: 0o600 });
    const main = `
      import { Client } from "taskflock";
      import { rate, scaled } from "./rates.ts";
      const client = await Client.connect();
      const direct = await client.call((x: number) => x * rate, [10]);
      console.log(JSON.stringify([direct, await client.call(scaled, [10])]));
      await client.close();`;
    const rates = (rate: number) =>
      `export const rate = ${rate};\nexport const scaled = (x: number) => x * rate + 1;\n`;
    const env = { ...process.env, TASKFLOCK_ADDRESS: cluster.address, TASKFLOCK_TOKEN_FILE: tokenFile };
    writeFileSync(join(folder, "main.ts"), main);
    for (const rate of [2, 5]) {
      writeFileSync(join(folder, "rates.ts"), rates(rate));
      const { output } = await runNode(["--import", "tsx", "main.ts"], { cwd: folder, env, timeout: 30_000 });
      expect(output.trim()).toBe(JSON.stringify([10 * rate, 10 * rate + 1]));
    }
  });
});

describe("a module that starts a cluster at its top level and submits its own export", () => {
  const program = (loading: string, connecting: string) => `
    ${loading}
    console.log("module evaluated");
    const scale = 3;
    ${connecting}`;
  const body = `
    const cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 1 });
    const client = await cluster.connect();
    console.log(JSON.stringify(await client.gather(client.map(scaled, [1, 2]))));
    await client.close();
    await cluster.close();`;
  const modules = `import { appendFileSync } from "node:fs"; import { LocalCluster } from "taskflock";
    appendFileSync(process.env["EVALUATIONS"], "evaluated\\n");
    export function scaled(x) { return x * scale; }`;
  const commonJs = `const { appendFileSync } = require("node:fs"); const { LocalCluster } = require("taskflock");
    appendFileSync(process.env["EVALUATIONS"], "evaluated\\n");
    exports.scaled = scaled; function scaled(x) { return x * scale; }`;

  it.each([
    ["main.mjs", program(modules, body)],
    ["main.cjs", program(commonJs, `(async () => {${body}})();`)],
    ["main.ts", program(modules.replaceAll("(x)", "(x: number)"), body)],
  ])("%s is evaluated once, and starts one cluster", async (file, text) => {
    const folder = join(workplace, "top-level");
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    writeFileSync(join(folder, file), text);
    const evaluations = join(folder, "evaluations");
    const env = { ...process.env, EVALUATIONS: evaluations };
    const { output, stdout } = await runNode(["--import", "tsx", file], { cwd: folder, env, timeout: 60_000 });
    expect(stdout, output).toBe("module evaluated\n[3,6]\n");
    expect(readFileSync(evaluations, "utf8")).toBe("evaluated\n");
  });
});
