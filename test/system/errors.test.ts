// What people meet when a task fails: the error in their own process, at their own lines, from programs as they write them.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { transformSync } from "esbuild";
import { LocalCluster } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";

const library = import.meta.resolve("taskflock");
const tsx = import.meta.resolve("tsx");

let cluster: LocalCluster;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "errors-"));
  cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 2 });
  writeFileSync(join(folder, "token"), cluster.token, { mode: 0o600 });
});
afterAll(async () => {
  await cluster?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  ...{ TASKFLOCK_ADDRESS: cluster.address, TASKFLOCK_TOKEN_FILE: join(folder, "token") },
});

/** The program's file: `lines` between what connects a client and what closes it. */
function write(name: string, lines: readonly string[]): string {
  const file = join(folder, name);
  const text = [
    `import { Client, asCompleted, taskContext } from "${library}";`,
    'const client = await Client.connect(undefined, { logs: "ignore" });',
    ...lines,
    "await client.close();",
  ].join("\n");
  writeFileSync(file, text);
  return file;
}

/** The line of the program, counted from 1, on which `text` stands. */
function place(file: string, lines: readonly string[], text: string): string {
  const index = lines.findIndex((line) => line.includes(text));
  return `${file}:${index + 3}:${lines[index]!.indexOf(text) + 1}`;
}

async function run(file: string, ...nodeArgs: readonly string[]): Promise<Ended> {
  const loader = file.endsWith("ts") ? ["--import", tsx] : [];
  const child = spawn(process.execPath, [...loader, ...nodeArgs, file], { env: environment() });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { stdout, stderr, code };
}

/** What a program printed with `console.log(JSON.stringify(…))`. */
async function told(file: string): Promise<unknown> {
  const { stdout, stderr, code } = await run(file);
  if (code !== 0) throw new Error(`${file} ended with ${code}:\n${stdout}\n${stderr}`);
  return JSON.parse(stdout);
}

describe("the stack names the user's lines", () => {
  const lines = [
    "interface Row { readonly x: number }",
    "class Reader {",
    "  constructor(readonly rows: Row[]) {}",
    "  read(index: number): number { return check(this.rows[index]!); }",
    "}",
    "function check(row: Row): number {",
    "",
    "  if (row.x > 1) throw new RangeError(row.x + ' is too much');",
    "  return row.x;",
    "}",
    "async function fit(rows: Row[]): Promise<number> {",
    "  const reader = new Reader(rows);",
    "  await null;",
    "  return rows.map((_: Row, i: number) => reader.read(i)).length;",
    "}",
    "const future = client.submit(fit, [[{ x: 1 }, { x: 2 }]]);",
    "const error = (await future.error())!;",
    "console.log(JSON.stringify({ stack: error.stack, error }));",
  ];

  async function shownFor(file: string, shown: string): Promise<void> {
    const { stack, error } = (await told(file)) as { stack: string; error: object };
    expect(stack.split("\n")).toEqual([
      "RangeError: 2 is too much",
      `    at check (${place(shown, lines, "new RangeError")})`,
      `    at Reader.read (${place(shown, lines, "check(this")})`,
      `    at ${place(shown, lines, "read(i)")}`,
      "    at Array.map (<anonymous>)",
      `    at fit (${place(shown, lines, "map((_")})`,
    ]);
    expect(error).toMatchObject({ attempt: 1, task: { function: "fit", arguments: "rows: Object[2]", log: [] } });
  }

  test("of TypeScript that a loader compiles", async () => {
    const file = write("main.mts", lines);
    await shownFor(file, file);
  });

  test("of TypeScript that was compiled to CommonJS, with a source map beside", async () => {
    const source = write("source.cts", lines);
    const open = `const { Client } = await import("${library}");`;
    const text = `(async () => { ${open}\n${readFileSync(source, "utf8").split("\n").slice(1).join("\n")} })();`;
    const { code, map } = transformSync(text, {
      loader: "ts",
      format: "cjs",
      sourcemap: true,
      sourcefile: "source.cts",
    });
    const file = join(folder, "main.cjs");
    writeFileSync(file, `${code}\n//# sourceMappingURL=main.cjs.map\n`);
    writeFileSync(`${file}.map`, map);
    await shownFor(file, source);
  });
});

test("errors stay what they are", async () => {
  const lines = [
    "class OwnError extends Error { constructor(message, row) { super(message); this.row = row; } }",
    "class NamedError extends TypeError { name = 'NamedError'; code = 'E_NAMED'; }",
    "const throwing = {",
    "  own: () => { throw new OwnError('a', 3); },",
    "  named: () => { throw new NamedError('b'); },",
    "  system: () => process.getBuiltinModule('node:fs').readFileSync('/no/such/file'),",
    "  chain: () => { throw new SyntaxError('c', { cause: new OwnError('d', 4, { cause: 5 }) }); },",
    "  any: () => Promise.any([Promise.reject(new OwnError('e', 6)), Promise.reject('f')]),",
    "  dom: () => { throw new DOMException('g', 'DataError'); },",
    "  aborted: () => { AbortSignal.abort().throwIfAborted(); },",
    "  text: () => { throw 'h'; },",
    "  nothing: () => { throw undefined; },",
    "};",
    "const seen = {};",
    "for (const [name, fn] of Object.entries(throwing)) {",
    "  const error = await client.submit(fn, []).error();",
    "  const { constructor, message, code, row, cause, errors } = error;",
    "  const inner = (e) => e && (e.name ? { name: e.name, message: e.message, row: e.row } : e);",
    "  seen[name] = { class: constructor.name, name: error.name, message, code, row, cause: inner(cause), errors: errors?.map(inner) };",
    "}",
    "console.log(JSON.stringify(seen));",
  ];
  expect(await told(write("kinds.mjs", lines))).toEqual({
    own: { class: "Error", name: "OwnError", message: "a", row: 3 },
    named: { class: "TypeError", name: "NamedError", message: "b", code: "E_NAMED" },
    system: expect.objectContaining({ class: "Error", name: "Error", code: "ENOENT" }),
    chain: {
      ...{ class: "SyntaxError", name: "SyntaxError", message: "c" },
      cause: { name: "OwnError", message: "d", row: 4 },
    },
    any: {
      ...{ class: "AggregateError", name: "AggregateError", message: "All promises were rejected" },
      errors: [{ name: "OwnError", message: "e", row: 6 }, "f"],
    },
    dom: { class: "DOMException", name: "DataError", message: "g", code: 0 },
    aborted: { class: "DOMException", name: "AbortError", message: "This operation was aborted", code: 20 },
    text: expect.objectContaining({ class: "Error", message: expect.stringContaining("h"), cause: "h" }),
    nothing: expect.objectContaining({ class: "Error", message: expect.stringContaining("undefined") }),
  });
});

test("a printed error says which call it was, and what it printed last", async () => {
  const lines = [
    "const fit = (x, rows, { C }) => {",
    "  console.log('fitting', C);",
    "  taskContext().log('epoch 1');",
    "  process.stderr.write('no newline');",
    "  throw new Error('no fit for ' + x);",
    "};",
    "console.log(await client.submit(fit, [3, new Float64Array(1797), { C: 1, gamma: 2 }]).error());",
  ];
  const file = write("printed.mjs", lines);
  const { stdout } = await run(file);
  expect(stdout.replace(/fit-\d+-1/, "KEY").replace(/worker: '.*'/, "worker: 'NAME'")).toBe(
    [
      "Error: no fit for 3",
      `    at fit (${place(file, lines, "new Error")}) {`,
      "  taskKey: 'KEY',",
      "  worker: 'NAME',",
      "  attempt: 1,",
      "  task: {",
      "    function: 'fit',",
      "    arguments: 'x: 3, rows: Float64Array(1797), { C, gamma }',",
      "    log: [ 'fitting 1', 'epoch 1', 'no newline' ]",
      "  }",
      "}\n",
    ].join("\n"),
  );
});

describe("rerunHere", () => {
  test("stops at `debugger` in the user's source, with the arguments that the task had", async () => {
    const lines = [
      "function fit(rows) {",
      "  const first = rows[0];",
      "  if (first > 1) { debugger; }",
      "  return first.x.y;",
      "}",
      "const rows = client.submit(() => [7, 8], []);",
      "const future = client.submit(fit, [rows]);",
      "rows.release();",
      "await future.error();",
      "console.log(await client.rerunHere(future).catch((error) => error.stack));",
    ];
    const file = write("debugged.mjs", lines);
    const child = spawn(process.execPath, ["--inspect-brk=127.0.0.1:0", file], { env: environment() });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    const ended = once(child, "close");
    await expect.poll(() => stderr, { timeout: 20_000 }).toMatch(/listening on ws:\S+/);
    const stops = await debuggerOf(/listening on (ws:\S+)/.exec(stderr)![1]!, "first");
    await ended;
    expect(stops).toEqual([`${file}:${lines.findIndex((line) => line.includes("debugger")) + 3} first = 7`]);
    expect(stdout).toContain(`at fit (file://${place(file, lines, "x.y").replace(/:\d+$/, "")}`);
  });
});

/** Attaches as an editor does, and goes on at every stop but the first: where they were, and a variable's value there. */
async function debuggerOf(url: string, variable: string): Promise<string[]> {
  const socket = new WebSocket(url);
  await once(socket, "open");
  const stops: string[] = [];
  const scripts = new Map<string, string>();
  const waiting = new Map<number, (result: { result: { value: unknown } }) => void>();
  let last = 0;
  const call = (method: string, params: object = {}): Promise<{ result: { value: unknown } }> => {
    const id = ++last;
    socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => waiting.set(id, resolve));
  };
  const paused = async (frame: { callFrameId: string; location: { scriptId: string; lineNumber: number } }) => {
    const { callFrameId, location } = frame;
    const { result } = await call("Debugger.evaluateOnCallFrame", { callFrameId, expression: variable });
    stops.push(`${scripts.get(location.scriptId)}:${location.lineNumber + 1} ${variable} = ${result.value}`);
    await call("Debugger.resume");
  };
  socket.on("message", (data) => {
    const { id, result, method, params } = JSON.parse(String(data));
    if (id !== undefined) waiting.get(id)?.(result);
    if (method === "Debugger.scriptParsed") scripts.set(params.scriptId, params.url.replace("file://", ""));
    if (method === "Debugger.paused" && params.reason === "Break on start") void call("Debugger.resume");
    else if (method === "Debugger.paused") void paused(params.callFrames[0]);
    if (method === "NodeRuntime.waitingForDisconnect") socket.close();
  });
  await call("NodeRuntime.notifyWhenWaitingForDisconnect", { enabled: true });
  for (const method of ["Debugger.enable", "Runtime.runIfWaitingForDebugger"]) await call(method);
  await once(socket, "close");
  return stops;
}

describe("a future that is awaited", () => {
  const data = "const future = await client.scatter({ a: 1 });";

  test.each([
    ["await.mjs", ["const value = await future;"], "await future"],
    [
      "typed.mts",
      ["interface A { a: number }", "const value: unknown = await future as unknown as A;"],
      "await future",
    ],
    ["all.mjs", ["await Promise.all([future, future]);"], "all(["],
    ["each.mjs", ["for await (const one of [future]) one.release();"], "one of"],
    ["inside.mjs", ["const read = async (x) => { const y = await x; return 1; };", "await read(future);"], "await x"],
  ])("warns once, with the place: %s", async (name, lines, text) => {
    const all = [data, ...lines, ...lines.map((line) => line.replaceAll(/\b(value|read|interface A)\b/g, "$1B"))];
    const file = write(name, all);
    const { stderr, code } = await run(file);
    expect(code).toBe(0);
    expect(stderr.match(/\[FLOCK_FUTURE_AWAITED\] FutureWarning/g)).toHaveLength(1);
    expect(stderr).toContain("Write `await future.result()`");
    expect(stderr).toContain(`at ${place(file, all, text)}.`);
    expect((await run(file, "--disable-warning=FLOCK_FUTURE_AWAITED")).stderr).not.toContain("FLOCK_");
  });

  test.each(["quiet.mjs", "quiet.mts"])("is silent where futures are passed on: %s", async (name) => {
    const lines = [
      data,
      "const place = async () => { return future; };",
      "const arrow = async () => future;",
      "const placed = async () => { return await client.scatter(2); };",
      "async function* each() { yield future; }",
      "for (const pass of [place, arrow, placed]) (await pass()).key;",
      "for await (const one of each()) one.key;",
      "for await (const done of asCompleted([await client.scatter(1), future])) await done.result();",
      "await Promise.all([client.scatter(3), place()]);",
      "await Promise.race([client.scatter(4), place()]);",
      "await client.scatter(5).then((x) => x).catch(() => {}).finally(() => {});",
      "await new Promise((resolve) => resolve(future));",
      "await client.gather([future, [future]]);",
      "console.log(`$" + "{future}`, String(future), future);",
    ];
    const { stdout, stderr, code } = await run(write(name, lines));
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(stdout).toMatch(/^(Future \{ data-\d+-1, done \}) \1 \1\n$/);
  });
});
