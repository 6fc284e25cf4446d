import { execFileSync, spawn } from "node:child_process";
import { closeSync, constants, existsSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { assetDescription, decodeValue, functionDescription } from "@taskflock/protocol";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type NannyOptions, type RunningNanny, startNanny } from "../src/index.ts";
import { residentBytes } from "../src/nanny/memory.ts";
import { FakeScheduler, TOKEN } from "./fake-scheduler.ts";

const program = fileURLToPath(new URL("./nanny-worker.mjs", import.meta.url));
const logger = pino({ level: "silent" });
let scheduler: FakeScheduler;
const nannies: RunningNanny[] = [];

beforeEach(async () => {
  scheduler = await FakeScheduler.start();
});

afterEach(async () => {
  await Promise.all(nannies.splice(0).map((nanny) => nanny.close()));
  await scheduler.close();
});

async function start(options: Partial<NannyOptions> = {}): Promise<RunningNanny> {
  const nanny = await startNanny({
    ...{ command: process.execPath, args: [program, scheduler.address, "w"], memoryLimitBytes: 0 },
    ...{ address: scheduler.address, token: TOKEN, name: "nanny-w", logger },
    ...options,
  });
  nannies.push(nanny);
  return nanny;
}

function incarnations(): string[] {
  return scheduler.hellos.flatMap((hello) => (hello.role === "worker" ? [hello.worker.incarnation] : []));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("a nanny", () => {
  it("starts a worker, tells how it died, and starts it again", async () => {
    const nanny = await start();
    await scheduler.next("w", "snapshot");
    const first = nanny.pid!;
    process.kill(first, "SIGKILL");
    expect(await scheduler.next("nanny-w", "exited")).toEqual({
      t: "exited",
      incarnation: incarnations()[0],
      how: "SIGKILL",
    });
    await scheduler.next("w", "snapshot");
    expect(nanny.pid).not.toBe(first);
    expect(new Set(incarnations()).size).toBe(2);
  });

  it("that is through with its worker before it has its link lets that go, too", async () => {
    let logger: NannyOptions["logger"] | undefined;
    const token = new Promise<string>((resolve) => {
      logger = pino({ level: "warn" }, { write: () => resolve(TOKEN) }); // the worker died
    });
    const nanny = await start({ args: ["-e", "process.exit(7)"], maxQuickDeaths: 1, token, ...(logger && { logger }) });
    expect(await nanny.done).toMatchObject({ error: { code: "FLOCK_CLUSTER_START" } });
    expect(scheduler.hellos).toHaveLength(1);
    await vi.waitFor(() => expect(scheduler.links).toBe(0), 10_000);
  });

  it("passes a planned stop on, and ends with its worker", async () => {
    const nanny = await start();
    await scheduler.next("w", "snapshot");
    nanny.stop("SIGTERM");
    expect(await scheduler.next("w", "wantsToRetire")).toMatchObject({ reason: "SIGTERM" });
    scheduler.send("w", { t: "retire" });
    scheduler.send("w", { t: "leave", restart: false });
    expect(await nanny.done).toEqual({ error: null });
    expect(scheduler.said.filter(({ message }) => message.t === "exited")).toEqual([]);
  });

  it("has no deadline to keep when its worker has left before it is told to stop", async () => {
    const nanny = await start();
    await scheduler.next("w", "snapshot");
    process.kill(nanny.pid!, "SIGTERM");
    await scheduler.next("w", "wantsToRetire");
    scheduler.send("w", { t: "retire" });
    scheduler.send("w", { t: "leave", restart: false });
    expect(await nanny.done).toEqual({ error: null });
    const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === "Timeout").length;
    const before = timers();
    nanny.stop("told with others");
    expect(timers()).toBe(before);
  });

  it("ends a worker that grows above its memory limit, and says so", async () => {
    const nanny = await start({ memoryLimitBytes: 400 * 1024 * 1024 });
    await scheduler.next("w", "snapshot");
    scheduler.define("w", 1, "() => { globalThis.hoard = Buffer.alloc(500 * 1024 * 1024, 1); for (;;); }");
    scheduler.assign("w", 1, 1, []);
    const { how } = await scheduler.next("nanny-w", "exited");
    expect(how).toMatch(/^above its memory limit \(\d+ MiB of 400 MiB\)$/);
    await scheduler.next("w", "snapshot");
    expect(nanny.pid).not.toBeNull();
  });

  it("removes the files that came along with functions when its worker was killed", async () => {
    const nanny = await start();
    await scheduler.next("w", "snapshot");
    const code = "return () => $assets[0].path;";
    const assets = [assetDescription("a.txt", Buffer.from("text"))];
    scheduler.define("w", 1, functionDescription({ name: "f", code, imports: [], assets, closure: false }));
    scheduler.assign("w", 1, 1, []);
    const { result } = await scheduler.next("w", "finished", 1);
    const path = decodeValue(scheduler.payloads.get(result).slice()) as string;
    expect(existsSync(path)).toBe(true);
    process.kill(nanny.pid!, "SIGKILL");
    await scheduler.next("nanny-w", "exited");
    expect(existsSync(dirname(dirname(path)))).toBe(false);
  });

  it("gives up on a worker that dies again and again", async () => {
    const nanny = await start({ args: ["-e", "process.exit(7)"], maxQuickDeaths: 2 });
    expect(await nanny.done).toMatchObject({
      error: { code: "FLOCK_CLUSTER_START", message: expect.stringContaining("exit code 7") },
    });
    const absent = await start({ command: "/no/such/program", maxQuickDeaths: 1 });
    expect(await absent.done).toMatchObject({ error: { message: expect.stringContaining("ENOENT") } });
  });

  it("keeps the token out of the worker's arguments and environment", async () => {
    process.env["TASKFLOCK_TOKEN"] = TOKEN;
    try {
      await start();
      await scheduler.next("w", "snapshot");
      scheduler.define("w", 1, "() => JSON.stringify([process.env, process.argv, process.execArgv])");
      scheduler.assign("w", 1, 1, []);
      const { result } = await scheduler.next("w", "finished", 1);
      expect(Buffer.from(scheduler.payloads.get(result)).toString("latin1")).not.toContain(TOKEN);
    } finally {
      delete process.env["TASKFLOCK_TOKEN"];
    }
  });

  it("takes its worker with it when it is killed", async () => {
    const script = `
      import { startNanny } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
      const logger = { info() {}, warn() {}, error() {}, debug() {} };
      const nanny = await startNanny({ command: process.execPath, args: ${JSON.stringify([program, scheduler.address, "w"])},
        memoryLimitBytes: 0, address: ${JSON.stringify(scheduler.address)}, token: ${JSON.stringify(TOKEN)}, name: "n", logger });
      process.send(nanny.pid);
    `;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const [pid] = await Promise.all([
      new Promise<number>((resolve) => parent.once("message", (message) => resolve(message as number))),
      scheduler.next("w", "snapshot"),
    ]);
    expect(isAlive(pid)).toBe(true);
    parent.kill("SIGKILL");
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 10_000);
  });

  it("leaves no process slot behind, even one that never returns", async () => {
    const nanny = await start();
    await scheduler.next("w", "snapshot");
    scheduler.define("w", 1, "() => { console.log(process.pid); for (;;); }");
    scheduler.assign("w", 1, 1, [], { isolation: "process" });
    const pid = Number((await scheduler.next("w", "log", 1)).text);
    expect(isAlive(pid)).toBe(true);
    process.kill(nanny.pid!, "SIGKILL");
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 10_000);
  });

  it("starts a worker again that asks for it, after its planned stop", async () => {
    const nanny = await start();
    await scheduler.next("w", "snapshot");
    const folder = mkdtempSync(join(tmpdir(), "taskflock-"));
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    // One native call opens the pipe and waits for what is never written: no thread can be ended in it.
    scheduler.define("w", 1, `() => require('node:fs').readFileSync(${JSON.stringify(pipe)}, 'utf8')`);
    scheduler.assign("w", 1, 1, []);
    const writer = await vi.waitFor(() => openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK), 10_000);
    scheduler.send("w", { t: "stop", task: 1 as never, attempt: 1 as never, why: "cancelled" });
    const { reason } = await scheduler.next("w", "wantsToRetire");
    expect(reason).toContain("native code");
    const first = nanny.pid;
    scheduler.send("w", { t: "retire" });
    scheduler.send("w", { t: "leave", restart: false });
    await scheduler.next("w", "snapshot");
    expect(nanny.pid).not.toBe(first);
    closeSync(writer);
    rmSync(folder, { recursive: true });
  });

  it("starts no other worker, however it ends, once the worker has said that it is the last", async () => {
    const nanny = await start();
    await scheduler.next("w", "snapshot");
    process.kill(nanny.pid!, "SIGUSR2");
    await scheduler.next("w", "wantsToRetire");
    scheduler.send("w", { t: "leave", restart: true });
    expect(await nanny.done).toEqual({ error: null });
    expect(scheduler.said.filter(({ message }) => message.t === "exited")).toEqual([]);
  });

  it("starts a worker again as often as it is told to, and not when it is told to leave", async () => {
    // Deaths soon after the start would end it at once.
    const nanny = await start({ maxQuickDeaths: 1 });
    for (let i = 0; i < 2; i++) {
      await scheduler.next("w", "snapshot");
      const { pid } = nanny;
      scheduler.send("w", { t: "leave", restart: true });
      await vi.waitFor(() => expect(nanny.pid).not.toBe(pid), 10_000);
    }
    await scheduler.next("w", "snapshot");
    scheduler.send("w", { t: "leave", restart: false });
    expect(await nanny.done).toEqual({ error: null });
  });

  it("does not start without a scheduler", async () => {
    await expect(start({ address: "127.0.0.1:1" })).rejects.toMatchObject({ code: "FLOCK_CONNECTION_REFUSED" });
    await expect(start({ token: "wrong" })).rejects.toMatchObject({ code: "FLOCK_UNAUTHORIZED" });
  });
});

describe("resident memory", () => {
  it("is that of the process, and null for one that is gone", async () => {
    const bytes = await residentBytes(process.pid);
    expect(Math.abs(bytes! / process.memoryUsage.rss() - 1)).toBeLessThan(0.5);
    expect(await residentBytes(2 ** 22 + 1)).toBeNull();
  });
});
