// Plugins, preloaded modules and uploaded files on real workers: those that are there, those that join later, and what takes the place of
// what ended.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, LocalCluster, taskContext } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startRole, taskflock } from "./processes.ts";

const folder = mkdtempSync(join(tmpdir(), "taskflock-plugins-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What plugins and modules leave for tasks. */
interface Shared {
  visits?: string[];
}
const visits = (): string[] => (globalThis as Shared).visits ?? [];

/** A module that counts how often a slot loaded it, and writes down its end. */
function countingModule(name: string, log: string): string {
  const file = join(folder, name);
  writeFileSync(
    file,
    `import { appendFileSync } from "node:fs";
     export function setup({ worker, slot }) { (globalThis.visits ??= []).push("${name} " + worker + "/" + slot); }
     export function teardown({ worker, slot }) { appendFileSync(${JSON.stringify(log)}, worker + "/" + slot + "\\n"); }`,
  );
  return file;
}

function linesOf(file: string): string[] {
  return readFileSync(file, "utf8").trim().split("\n").sort();
}

describe("plugins", () => {
  let cluster: LocalCluster;
  let client: Client;
  const log = join(folder, "teardowns");
  beforeAll(async () => {
    cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 2 });
    client = await cluster.connect({ logs: "ignore" });
  });
  afterAll(async () => {
    await client?.close();
    await cluster?.close();
  });

  const prefix = "seen at";
  const visitor = {
    name: "visitor",
    setup: ({ worker, slot }: { worker: string; slot: number }) => {
      const shared = globalThis as Shared;
      shared.visits = [...(shared.visits ?? []), `${prefix} ${worker}/${slot}`];
    },
  };
  /** What the tasks of each slot see, of one worker: each waits until the other runs, too. */
  const seenBy = async (worker: string): Promise<string[][]> => {
    const place = mkdtempSync(join(folder, "both-"));
    const both = (index: number): string[] => {
      writeFileSync(join(place, String(index)), "");
      while (!existsSync(join(place, String(1 - index))));
      return (globalThis as Shared).visits ?? [];
    };
    // One with a limit shares its slot's turn with no other.
    const apart = { workers: [worker], timeoutMs: 30_000 };
    const seen = await client.gather([0, 1].map((index) => client.submit(both, [index], apart)));
    return seen.sort();
  };

  test("are set up once in each slot, with what they capture; tasks see what they left", async () => {
    expect(await client.registerPlugin(visitor)).toEqual({ "worker-1": 2 });
    expect(await seenBy("worker-1")).toEqual([["seen at worker-1/0"], ["seen at worker-1/1"]]);
    expect(await client.plugins()).toMatchObject([{ name: "visitor", workers: ["worker-1"] }]);
    await expect(client.registerPlugin(visitor)).rejects.toMatchObject({ code: "FLOCK_PLUGIN_EXISTS" });
  });

  test("also in process slots and in those of actors", async () => {
    expect(await client.call(visits, [], { isolation: "process" })).toEqual([expect.stringMatching(/^seen at w/)]);
    class Looker {
      look(): string[] {
        return (globalThis as Shared).visits ?? [];
      }
    }
    for (const isolation of ["thread", "process"] as const) {
      using actor = await client.actor(Looker, [], { isolation });
      expect(await actor.look().result()).toEqual([expect.stringMatching(/^seen at worker-1\/[2-9]$/)]);
    }
  });

  test("also in a slot that takes the place of one that was ended", async () => {
    const began = join(folder, "began");
    const endless = client.submit(
      (file: string) => {
        writeFileSync(file, "");
        for (;;);
      },
      [began],
      { cancelGraceMs: 0 },
    );
    await expect.poll(() => existsSync(began), { timeout: 20_000 }).toBe(true);
    await endless.cancel();
    expect(await seenBy("worker-1")).toEqual([["seen at worker-1/0"], ["seen at worker-1/1"]]);
  });

  test("also on a worker that joins later, and on one that its nanny started again", async () => {
    await cluster.scale(2);
    await client.waitForWorkers(2);
    expect(await seenBy("worker-2")).toEqual([["seen at worker-2/0"], ["seen at worker-2/1"]]);
    const { pid } = (await client.workers()).find(({ name }) => name === "worker-2")!;
    process.kill(pid, "SIGKILL");
    await expect
      .poll(async () => (await client.workers()).filter((w) => w.pid !== pid).length, { timeout: 20_000 })
      .toBe(2);
    expect(await seenBy("worker-2")).toEqual([["seen at worker-2/0"], ["seen at worker-2/1"]]);
  }, 60_000);

  test("whose setup throws are not kept, and the error says where and why", async () => {
    const odd = {
      name: "odd",
      setup: ({ worker }: { worker: string }) => {
        (globalThis as Shared).visits?.push("odd");
        if (worker === "worker-2") throw new RangeError("not here");
      },
      teardown: () => void (globalThis as Shared).visits?.pop(),
    };
    await expect(client.registerPlugin(odd)).rejects.toMatchObject({
      code: "FLOCK_PLUGIN_FAILED",
      message: expect.stringContaining("worker-2 (RangeError: not here)"),
      cause: { name: "RangeError", message: "not here" },
    });
    expect((await client.plugins()).map(({ name }) => name)).toEqual(["visitor"]);
    expect(await seenBy("worker-1")).toEqual([["seen at worker-1/0"], ["seen at worker-1/1"]]);
  });

  test("that fail on a worker that joins later leave it to its tasks, and that is told", async () => {
    const known = ["worker-1", "worker-2"];
    await client.registerPlugin({
      name: "choosy",
      setup: ({ worker }) => {
        if (!known.includes(worker)) throw new Error(`${worker} is unknown here`);
      },
    });
    await cluster.scale(3);
    await client.waitForWorkers(3);
    expect(await seenBy("worker-3")).toHaveLength(2);
    const events = await client.events();
    expect(events.filter(({ kind }) => kind === "pluginFailed").at(-1)).toMatchObject({
      who: "worker-3",
      text: expect.stringContaining("choosy: Error: worker-3 is unknown here"),
    });
    await client.unregisterPlugin("choosy");
  }, 60_000);

  test("are taken down: when they are replaced, when they are unregistered, when their slot ends", async () => {
    writeFileSync(log, "");
    const logged = (text: string) => ({
      name: "logged",
      setup: () => text,
      teardown: async ({ worker, slot }: { worker: string; slot: number }, made: string) => {
        (await import("node:fs")).appendFileSync(log, `${made} ${worker}/${slot}\n`);
      },
    });
    await client.registerPlugin(logged("first"));
    await client.registerPlugin(logged("second"), { override: true });
    const slots = ["worker-1", "worker-2", "worker-3"].flatMap((name) => [`${name}/0`, `${name}/1`]);
    await expect
      .poll(() => linesOf(log).filter((line) => / worker-\d\/[01]$/.test(line)))
      .toEqual(expect.arrayContaining(slots.map((slot) => `first ${slot}`)));
    await client.retireWorkers(["worker-3"]);
    await expect
      .poll(() => linesOf(log), { timeout: 20_000 })
      .toEqual(expect.arrayContaining(["second worker-3/0", "second worker-3/1"]));
    await client.unregisterPlugin("logged");
    await expect.poll(() => linesOf(log)).toEqual(expect.arrayContaining(slots.map((slot) => `second ${slot}`)));
    await expect(client.unregisterPlugin("logged")).rejects.toMatchObject({ code: "FLOCK_PLUGIN_UNKNOWN" });
  }, 60_000);

  test("that cannot be used are refused", async () => {
    const refused = (plugin: unknown) => expect(client.registerPlugin(plugin as never)).rejects;
    await refused(undefined).toMatchObject({ code: "FLOCK_ARGUMENT_INVALID" });
    await refused({ name: "", setup: () => 1 }).toMatchObject({ code: "FLOCK_ARGUMENT_INVALID" });
    await refused({ name: "x" }).toMatchObject({ message: expect.stringContaining("setup is a function") });
    const large = new Float64Array(1_000_000);
    await refused({ name: "x", setup: () => large.length }).toMatchObject({ code: "FLOCK_TOO_LARGE" });
  });
});

describe("preloaded modules", () => {
  test("are loaded in each slot before its tasks, and taken down when it ends in order", async () => {
    const log = join(folder, "ends");
    const modules = [countingModule("first.mjs", log), countingModule("second.mjs", log)];
    const cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 2, preload: modules });
    try {
      const client = await cluster.connect({ logs: "ignore" });
      for (const isolation of ["thread", "process"] as const) {
        const seen = await client.call(visits, [], { isolation });
        expect(seen.map((line) => line.replace(/\d$/, "n"))).toEqual(["first.mjs worker-1/n", "second.mjs worker-1/n"]);
      }
      await client.close();
    } finally {
      await cluster.close();
    }
    expect([...new Set(linesOf(log))]).toEqual(["worker-1/0", "worker-1/1"]);
  }, 60_000);

  test("that fail end the worker at its start, once, with their error", async () => {
    const bad = join(folder, "bad.mjs");
    writeFileSync(
      bad,
      'process.stderr.write("loaded\\n"); export function setup() { throw new RangeError("no GPU"); }',
    );
    const scheduler = await startRole(["scheduler", "--port", "0", "--dashboard-port", "0"]);
    try {
      const args = ["worker", scheduler.ready.address, "--threads", "1", "--token-file", scheduler.ready.tokenFile];
      for (const module of [bad, "./is-not-there.mjs"]) {
        const { code, stderr } = await taskflock([...args, "--preload", module]);
        expect(code).toBe(1);
        expect(stderr).toContain("FLOCK_PRELOAD_FAILED");
        expect(stderr).toContain(module === bad ? "RangeError: no GPU" : module);
        if (module === bad) expect(stderr.match(/^loaded$/gm)).toHaveLength(1);
      }
    } finally {
      await scheduler.stop();
    }
  }, 60_000);

  test("of the scheduler run in its process, and fail its start", async () => {
    const log = join(folder, "scheduler");
    const module = join(folder, "scheduler.mjs");
    writeFileSync(
      module,
      `import { appendFileSync } from "node:fs";
       const say = (what) => ({ scheduler }) => appendFileSync(${JSON.stringify(log)}, what + " " + scheduler.address + "\\n");
       export default say("up");
       export const teardown = say("down");`,
    );
    const where = ["scheduler", "--port", "0", "--dashboard-port", "0"];
    const scheduler = await startRole([...where, "--preload", module]);
    await scheduler.stop();
    const { address } = scheduler.ready;
    expect(linesOf(log)).toEqual([`down ${address}`, `up ${address}`]);
    const failed = await taskflock([...where, "--preload", `${module},./is-not-there.mjs`]);
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining("FLOCK_PRELOAD_FAILED") });
  }, 60_000);
});

describe("uploaded files", () => {
  let cluster: LocalCluster;
  let client: Client;
  const disk = join(folder, "disk");
  const read = (name: string): Uint8Array => readFileSync(taskContext().file(name));
  beforeAll(async () => {
    mkdirSync(disk);
    cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 1, spillDirectory: disk });
    client = await cluster.connect({ logs: "ignore" });
  });
  afterAll(async () => {
    await client?.close();
    await cluster?.close();
  });

  test("of any content and many parts are there for tasks, byte by byte, in threads and processes", async () => {
    const model = new Uint8Array(2_500_001).map((_, index) => index * 7);
    const file = join(folder, "model.bin");
    writeFileSync(file, model);
    expect(await client.uploadFile(file)).toEqual(["worker-1"]);
    await client.uploadFile(new Uint8Array(0), { name: "empty" });
    for (const isolation of ["thread", "process"] as const) {
      expect(Buffer.compare(await client.call(read, ["model.bin"], { isolation }), model)).toBe(0);
      expect(await client.call((name) => read(name).length, ["empty"], { isolation })).toBe(0);
    }
    expect(await client.files()).toMatchObject([
      { name: "model.bin", bytes: 2_500_001, workers: ["worker-1"] },
      { name: "empty", bytes: 0 },
    ]);
  });

  test("are on a worker that joins later before it gets tasks, and on one that was started again", async () => {
    await cluster.scale(2);
    await client.waitForWorkers(2);
    const length = (name: string): number => read(name).length;
    expect(await client.call(length, ["model.bin"], { workers: ["worker-2"] })).toBe(2_500_001);
    await client.restart();
    for (const worker of ["worker-1", "worker-2"]) {
      expect(await client.call(length, ["model.bin"], { workers: [worker] })).toBe(2_500_001);
    }
  }, 60_000);

  test("are modules that can be imported, each version of them another one", async () => {
    const load = async (): Promise<unknown> => (await import(taskContext().file("helpers.mjs"))).answer;
    for (const answer of [41, 42, 43]) {
      writeFileSync(join(folder, "constants.mjs"), `export const answer = ${answer};`);
      await client.uploadFile(join(folder, "constants.mjs"));
      await client.uploadFile(Buffer.from('export { answer } from "./constants.mjs";'), { name: "helpers.mjs" });
      expect(Object.values(await client.runOnWorkers(load, []))).toEqual([answer, answer]);
    }
  });

  test("that were replaced keep the paths that were handed out, and removed ones are gone", async () => {
    await client.uploadFile(Buffer.from("old"), { name: "notes.txt" });
    const before = await client.call(() => taskContext().file("notes.txt"), [], { workers: ["worker-1"] });
    await client.uploadFile(Buffer.from("new"), { name: "notes.txt" });
    expect(readFileSync(before, "utf8")).toBe("old");
    expect(Buffer.from(await client.call(read, ["notes.txt"])).toString()).toBe("new");
    await client.removeFile("notes.txt");
    await expect(client.call(read, ["notes.txt"], { workers: ["worker-1"] })).rejects.toMatchObject({
      code: "FLOCK_FILE_UNKNOWN",
      message: expect.stringContaining("model.bin"),
    });
    await expect(client.removeFile("notes.txt")).rejects.toMatchObject({ code: "FLOCK_FILE_UNKNOWN" });
  });

  test("larger than what the scheduler has for them are refused, and what is there stays", async () => {
    const large = new Uint8Array(256 * 1024 * 1024);
    await expect(client.uploadFile(large, { name: "large" })).rejects.toMatchObject({ code: "FLOCK_FILES_FULL" });
    expect((await client.files()).map(({ name }) => name)).toContain("model.bin");
    await client.uploadFile(Buffer.from("small"), { name: "small" });
  }, 60_000);

  test("that cannot be used are refused", async () => {
    const refused = (source: unknown, options?: { name: string }) =>
      expect(client.uploadFile(source as never, options)).rejects;
    await refused(join(folder, "is-not-there")).toMatchObject({ message: expect.stringContaining("ENOENT") });
    await refused(new Uint8Array(1)).toMatchObject({ code: "FLOCK_ARGUMENT_INVALID" });
    await refused(7).toMatchObject({ code: "FLOCK_ARGUMENT_INVALID" });
    await refused(new Uint8Array(1), { name: "../up" }).toMatchObject({ code: "FLOCK_OPTION_INVALID" });
  });

  test("leave nothing behind when the workers end", async () => {
    await client.close();
    await cluster.close();
    expect(readdirSync(disk)).toEqual([]);
  });
});

describe("a disk that is full", () => {
  test("refuses the file, coded; what had the name before stays", async ({ skip }) => {
    const disk = mountSmallDisk();
    if (disk === null) skip("a small disk cannot be mounted: that takes root, and Linux");
    const cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 1, spillDirectory: disk! });
    try {
      const client = await cluster.connect({ logs: "ignore" });
      await client.uploadFile(Buffer.from("small"), { name: "data" });
      await expect(client.uploadFile(new Uint8Array(8_000_000), { name: "data" })).rejects.toMatchObject({
        code: "FLOCK_FILE_FAILED",
        message: expect.stringMatching(/worker-1 \(.*ENOSPC/),
      });
      const read = (): string => readFileSync(taskContext().file("data"), "utf8");
      expect(await client.call(read, [])).toBe("small");
      expect(await client.files()).toMatchObject([{ name: "data", bytes: 5 }]);
      await client.close();
    } finally {
      await cluster.close();
      execFileSync("umount", ["-l", disk!]);
    }
  }, 60_000);
});

/** A disk of 4 MiB, if this user may make one. */
function mountSmallDisk(): string | null {
  const path = join(folder, "small-disk");
  mkdirSync(path);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", path], { stdio: "ignore" });
    return path;
  } catch {
    rmSync(path, { recursive: true });
    return null;
  }
}
