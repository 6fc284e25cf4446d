// The processes here are small scripts, so that each way of failing can be had; real roles run in the system tests.

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePort } from "../src/free-port.ts";
import { LocalCluster, type LocalClusterOptions } from "../src/index.ts";
import { completeOptions } from "../src/options.ts";
import { RoleProcess } from "../src/role-process.ts";

const folder = mkdtempSync(join(tmpdir(), "taskflock-"));

/** A command line whose every role runs `body`; it gets `args`, `ready(facts)` and `token()`. */
function role(name: string, body: string): LocalClusterOptions["roleCommand"] {
  const file = join(folder, `${name}.cjs`);
  const head = `
    const fs = require("node:fs");
    const args = process.argv.slice(2);
    const fd = (flag) => Number(args[args.indexOf(flag) + 1]);
    const ready = (facts) => fs.writeSync(fd("--ready-fd"), JSON.stringify(facts) + "\\n");
    const token = () => fs.readFileSync(fd("--token-fd"), "utf8").trim();
    process.stdin.on("end", () => process.exit(0)).resume();`;
  writeFileSync(file, `${head}\n${body}`);
  return { command: process.execPath, args: [file] };
}

function start(roleCommand: LocalClusterOptions["roleCommand"], args: string[]): RoleProcess {
  return new RoleProcess({ roleCommand, args, env: process.env });
}

const gone = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

test("a process waits for its token, and says when it is ready", async () => {
  const running = start(role("echo", "ready({ token: token(), role: args[0] });"), ["scheduler"]);
  running.giveToken("secret");
  expect(await running.ready).toEqual({ token: "secret", role: "scheduler" });
  await running.stop(2000);
  expect(running.running).toBe(false);
  expect(gone(running.pid)).toBe(true);
});

test("one that does not end when asked is killed", async () => {
  const running = start(role("stubborn", 'process.on("SIGTERM", () => {}); ready({});'), ["worker"]);
  await running.ready;
  await running.stop(50);
  expect(await running.ended).toBe("SIGKILL");
});

test("one that ends before it is ready: its output is told", async () => {
  const running = start(role("broken", 'console.error("no such flag"); process.exit(3);'), ["worker"]);
  await expect(running.ready).rejects.toMatchObject({
    code: "FLOCK_CLUSTER_START",
    message: expect.stringMatching(/worker ended before it was ready \(exit code 3\):\nno such flag/),
  });
});

test("a command that does not exist", async () => {
  const running = start({ command: join(folder, "nothing"), args: [] }, ["scheduler"]);
  await expect(running.ready).rejects.toMatchObject({
    code: "FLOCK_CLUSTER_START",
    message: expect.stringContaining("ENOENT"),
  });
});

test("a scheduler that does not start fails the cluster, and leaves no process", async () => {
  const pids = join(folder, "pids");
  const roleCommand = role(
    "half",
    `fs.appendFileSync(${JSON.stringify(pids)}, process.pid + "\\n");
     if (args[0] === "scheduler") { console.error("the disk is full"); process.exit(1); }
     token();`,
  );
  await expect(LocalCluster.start({ roleCommand, workers: 2 })).rejects.toMatchObject({
    code: "FLOCK_CLUSTER_START",
    message: expect.stringContaining("the disk is full"),
  });
  const { readFileSync } = await import("node:fs");
  for (const pid of readFileSync(pids, "utf8").trim().split("\n")) expect(gone(Number(pid))).toBe(true);
});

test("one that is never ready runs into startTimeoutMs", async () => {
  const roleCommand = role("silent", 'console.error("still loading"); setInterval(() => {}, 1000);');
  await expect(LocalCluster.start({ roleCommand, workers: 0, startTimeoutMs: 700 })).rejects.toMatchObject({
    code: "FLOCK_CLUSTER_START",
    message: expect.stringMatching(/not ready after 700 ms.*startTimeoutMs/s),
  });
});

test("options: what they become, and what is refused", async () => {
  const roleCommand = { command: "node", args: [] };
  const complete = completeOptions({
    roleCommand,
    workers: 3,
    threadsPerWorker: 2,
    memoryLimit: "1GiB",
    heapLimit: 64,
    resources: { GPU: 1 },
  });
  expect(complete.workerFlags.join(" ")).toBe(
    "--threads 2 --host 127.0.0.1 --scheduler-lost-ms 5000 --memory-limit 1GiB --heap-limit 64 --resources GPU=1",
  );
  process.env["TASKFLOCK_PORT"] = "1";
  process.env["TASKFLOCK_TENSORFLOW_HOME"] = "there";
  try {
    expect(completeOptions({ roleCommand, env: { A: "b" } }).env).toMatchObject({ A: "b" });
    expect(completeOptions({ roleCommand }).env).not.toHaveProperty("TASKFLOCK_PORT");
    expect(completeOptions({ roleCommand }).env).toMatchObject({ TASKFLOCK_TENSORFLOW_HOME: "there" });
  } finally {
    delete process.env["TASKFLOCK_PORT"];
    delete process.env["TASKFLOCK_TENSORFLOW_HOME"];
  }
  const refused = (options: object, message: RegExp): void => {
    expect(() => completeOptions({ roleCommand, ...options })).toThrowError(
      expect.objectContaining({ code: "FLOCK_OPTION_INVALID", message: expect.stringMatching(message) }),
    );
  };
  refused({ worker: 2 }, /Did you mean workers\?/);
  refused({ workers: "2" }, /workers takes a whole number/);
  refused({ memoryLimit: "lots of" }, /memoryLimit takes bytes/);
  refused({ resources: { "GPU 1": 1 } }, /amounts by name/);
  expect(await freePort("127.0.0.1")).toBeGreaterThan(0);
});
