// A minute of `npm run soak`: real processes, killed at random, with a fixed seed.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "taskflock";
import { afterAll, afterEach, expect, test } from "vitest";
import { growth } from "./memory.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

let child: ChildProcess | null = null;
const folder = mkdtempSync(join(tmpdir(), "taskflock-soak-test-"));

afterEach(() => child?.kill("SIGTERM"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** In a temporary folder of its own, which must be empty again at its end. */
async function run(
  args: readonly string[],
  onText: (printed: string) => void = () => undefined,
): Promise<{ readonly code: number | null; readonly printed: string }> {
  child = spawn(process.execPath, ["--import", "tsx", "test/soak/run.ts", ...args], {
    cwd: root,
    env: { ...process.env, TMPDIR: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk) => {
      printed += chunk;
      onText(printed);
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { code, printed };
}

/** What it starts has names that begin so; tsx leaves a cache of its own. */
const left = (): string[] => readdirSync(folder).filter((name) => name.startsWith("taskflock"));

test("a minute of work, kills, cancels and retires: every task ends right, and no memory grows", {
  timeout: 900_000,
}, async () => {
  const { code, printed } = await run(["--minutes", "1", "--seed", "20"]);
  expect(code, printed).toBe(0);
  expect(printed).toContain("everything ended right, and nothing grew");
  expect(left()).toEqual([]);
});

test("when it is interrupted, nothing of it is left", { timeout: 300_000 }, async () => {
  const out = join(folder, "out");
  const { code, printed } = await run(["--minutes", "10", "--seed", "21", "--out", out], (text) => {
    if (text.endsWith("at work\n")) child?.kill("SIGINT");
  });
  expect(code, printed).toBe(130);
  expect(printed).toContain("interrupted; 0 findings");
  expect(left()).toEqual([]);
  const [, address] = /scheduler at (\S+),/.exec(printed) ?? [];
  await expect(Client.connect(address, { token: "0".repeat(64) })).rejects.toMatchObject({
    code: "FLOCK_CONNECTION_REFUSED",
  });
});

test("growth: what comes and goes is none, a leak is", () => {
  const mb = (...values: readonly number[]): number[] => values.map((value) => value * 1e6);
  const isGrowing = (...values: readonly number[]): boolean | undefined => growth(mb(...values))?.isGrowing;
  expect(isGrowing(10, 30, 31, 45, 32, 30, 33, 32, 44, 31, 30, 48)).toBe(false);
  expect(isGrowing(10, 30, 31, 33, 34, 36, 37, 39, 40, 42, 43, 45)).toBe(true);
  expect(growth(mb(10, 20))).toBeNull();
});
