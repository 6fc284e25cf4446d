// The shell that watches over a command, when the slot is ended at the worst moment.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FOLDER_VARIABLE, startGuard } from "../src/commands/guard.ts";

let parent: string;
let folder: string;
const started: ChildProcess[] = [];
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "taskflock-guard-test-"));
  folder = join(parent, "its own");
  mkdirSync(folder);
});
afterEach(() => {
  for (const { pid } of started.splice(0)) endGroup(pid!);
  rmSync(parent, { recursive: true, force: true });
});

function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // the guard did so
  }
}

/** A command as a slot starts one. */
function command(itsFolder: string): ChildProcess {
  const env = { ...process.env, [FOLDER_VARIABLE]: itsFolder };
  const child = spawn("sh", ["-c", "sleep 1000 & wait"], { detached: true, env, stdio: "ignore" });
  started.push(child);
  return child;
}

test.runIf(process.platform === "linux")("a command whose start was not told is ended, and no other", async () => {
  const neighbour = command(join(parent, "another"));
  const guard = startGuard(folder);
  guard.tell("begins");
  const child = command(folder);
  guard.leave(); // the slot ended before it could say which group
  expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
  await vi.waitUntil(() => !existsSync(folder), { timeout: 30_000 });
  expect([neighbour.exitCode, neighbour.signalCode]).toEqual([null, null]);
});

test.runIf(process.platform !== "win32")("a command whose group was told is ended", async () => {
  const guard = startGuard(folder);
  guard.tell("begins");
  const child = command(folder);
  guard.tell(String(child.pid));
  guard.leave();
  expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
  await vi.waitUntil(() => !existsSync(folder), { timeout: 30_000 });
});
