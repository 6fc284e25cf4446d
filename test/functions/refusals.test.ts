// What cannot travel is refused when it is submitted, by a message that names what is at fault.
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type Client, type FlockError, LocalCluster } from "taskflock";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root, runNode } from "../../scripts/ensure.mjs";
import { removeWorkplace, workplace } from "./environments.ts";

// biome-ignore lint/suspicious/noExplicitAny: any function may be tried
type AnyFunction = (...args: any[]) => unknown;

const server = createServer();
const pending = Promise.resolve(1);
const cache = new WeakMap<object, number>([[server, 1]]);
const iterator = (function* () {
  yield 1;
})();
const tag = Symbol("tag");
const weak = new WeakRef(server);
const add = (a: number, b: number) => a + b;
const addOne = add.bind(null, 1);
const proxied = new Proxy(add, {});
const nested = { settings: { socket: server } };
const marked = [{ kind: tag }];
const usesPending = async () => (await pending) + 1;

let settle: AnyFunction = () => {};
new Promise((resolve) => {
  settle = resolve;
});

class Vault {
  readonly #code = 42;
  static hasCode(value: object): boolean {
    return #code in value;
  }
  open(): number {
    return this.#code;
  }
  later = () => this.open();
}
const vault = new Vault();

class Loud extends Vault {
  override open(): number {
    return super.open();
  }
}
const counter = {
  count: 0,
  next() {
    this.count++;
    return this.count;
  },
};

function withArguments(..._: unknown[]): AnyFunction {
  // biome-ignore lint/complexity/noArguments: users write it
  return () => arguments[0];
}
function withTarget(): AnyFunction {
  return () => new.target;
}

function makeCounter() {
  let count = 0;
  return { increase: () => ++count, current: () => count };
}
const { increase, current } = makeCounter();

/** Each function, and what its refusal must say. */
const refused: readonly (readonly [name: string, fn: AnyFunction, says: readonly RegExp[]])[] = [
  ["a bound function", addOne, [/bind\(\)/, /add/]],
  ["a captured bound function", () => addOne(2), [/addOne/, /bind\(\)/]],
  ["a native function", settle, [/native|built into|without code/]],
  ["a captured native function", () => settle(1), [/settle/]],
  ["a proxy of a function", proxied, [/native|built into|[Pp]roxy|without code/]],
  ["a method that uses this", counter.next, [/next/, /this/]],
  ["a method that uses super", Loud.prototype.open, [/open/, /super|this/]],
  ["an arrow function that captures this", vault.later, [/this/]],
  ["a method that uses a private name", vault.open, [/this|private|#code/]],
  ["a static method that uses a private name", Vault.hasCode, [/private|#code/]],
  ["an open socket", () => server.address(), [/server/, /Server/]],
  ["an open socket inside captured data", () => nested.settings, [/nested/, /socket/]],
  ["a variable that closures share, or not", () => [increase(), current()], [/count/, /object|module/]],
  ["a promise", usesPending, [/pending/, /[Pp]romise/]],
  ["a promise of a captured function", () => usesPending(), [/pending/, /[Pp]romise/]],
  ["a WeakMap", () => cache.has({}), [/cache/, /WeakMap/]],
  ["a WeakRef", () => weak.deref(), [/weak/, /WeakRef/]],
  ["a generator in flight", () => [...iterator], [/iterator/, /[Gg]enerator/]],
  ["a symbol inside captured data", () => marked.length, [/marked/, /[Ss]ymbol/]],
  ["an instance with private members", () => vault.open(), [/vault/, /private|#code/]],
  ["import.meta", () => import.meta.filename, [/import\.meta/]],
  // biome-ignore lint/security/noGlobalEval: users write it
  ["direct eval", () => eval("1 + 1"), [/eval/]],
  ["arguments of the function around", withArguments(1), [/arguments/]],
  ["new.target of the function around", withTarget(), [/new\.target/]],
  [
    "a file that is not there",
    () => readFileSync(new URL("./missing.txt", import.meta.url)),
    [/missing\.txt/, /not there|does not exist/],
  ],
  [
    "a file that is too large",
    () => readFileSync(new URL("../../.cache/large.bin", import.meta.url)),
    [/large\.bin/, /MiB/, /argument/],
  ],
];

const largeFile = join(root, ".cache/large.bin");
afterAll(removeWorkplace);

describe("functions that cannot travel", () => {
  let cluster: LocalCluster;
  let client: Client;

  beforeAll(async () => {
    mkdirSync(workplace, { recursive: true });
    writeFileSync(largeFile, "");
    truncateSync(largeFile, 64 * 1024 * 1024);
    cluster = await LocalCluster.start({ workers: 0 });
    client = await cluster.connect({ logs: "ignore" });
  });

  afterAll(async () => {
    await client.close();
    await cluster.close();
  });

  const refusalOf = (fn: AnyFunction, args: readonly unknown[] = []): FlockError => {
    try {
      client.submit(fn, args);
    } catch (error) {
      return error as FlockError;
    }
    throw new Error("it was not refused");
  };

  it.each(refused)("%s is refused at submit", (_, fn, says) => {
    const { code, message } = refusalOf(fn);
    expect(code).toBe("FLOCK_FUNCTION_NOT_SERIALIZABLE");
    for (const words of says) expect(message).toMatch(words);
    expect(message, "it ends with advice, as a sentence").toMatch(/\.$/);
  });

  it("a variable that has no value yet is refused, and travels when it has", () => {
    const early = () => later;
    const { code, message } = refusalOf(early);
    const later = 1;
    expect(code).toBe("FLOCK_FUNCTION_NOT_SERIALIZABLE");
    expect(message).toMatch(/later/);
    expect(message).toMatch(/yet|before|initiali[sz]/);
    expect(() => client.submit(early, [])).not.toThrow();
  });

  it("a function among the arguments is refused as the function itself is", () => {
    const { code, message } = refusalOf((each: AnyFunction) => each(1), [{ scorers: [addOne] }]);
    expect(code).toBe("FLOCK_FUNCTION_NOT_SERIALIZABLE");
    expect(message).toMatch(/scorers/);
    expect(message).toMatch(/bind\(\)/);
  });

  it("a captured future or client is refused, by its name", () => {
    const result = client.submit(() => 1, []);
    const { code, message } = refusalOf(() => result.key);
    expect(code).toBe("FLOCK_FUNCTION_NOT_SERIALIZABLE");
    expect(message).toMatch(/result; pass it as an argument/);
    expect(refusalOf(() => client.address).message).toMatch(/client/);
  });

  it("map and call refuse as submit does, and nothing runs", async () => {
    const before = await client.cluster();
    expect(() => client.map(usesPending, [1, 2])).toThrow(/pending/);
    await expect(client.call(usesPending, [])).rejects.toThrow(/pending/);
    expect((await client.cluster()).tasks).toEqual(before.tasks);
  });
});

describe("the user's own main module", () => {
  it("is not imported by a function", async () => {
    const folder = join(workplace, "main-module");
    mkdirSync(folder, { recursive: true });
    const program = `
      import { LocalCluster } from "taskflock";
      export const answer = 42;
      const cluster = await LocalCluster.start({ workers: 1 });
      const client = await cluster.connect();
      try {
        const future = client.submit(async () => (await import("./main.mjs")).answer, []);
        console.log("not refused at submit, but", await future.error());
      } catch (error) {
        console.log(error.code, error.message);
      }
      await client.close();
      await cluster.close();`;
    writeFileSync(join(folder, "main.mjs"), program);
    const { output } = await runNode([join(folder, "main.mjs")], { timeout: 30_000 });
    expect(output).toMatch(/^FLOCK_FUNCTION_NOT_SERIALIZABLE .*main\.mjs/);
  });
});
