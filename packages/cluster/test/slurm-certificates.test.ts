// Where a Slurm cluster's keys lie, and that those of clusters that were killed go.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Certificates } from "../src/slurm/certificates.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "taskflock-test-"));
  vi.stubEnv("TMPDIR", folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

// In place of `taskflock certs init`: one that makes a key.
const maker = 'require("fs").writeFileSync(process.argv[3] + "/ca-key.pem", "")';
const make = (): Promise<Certificates> =>
  Certificates.make({
    roleCommand: { command: process.execPath, args: ["--eval", maker] },
    env: process.env,
    hosts: ["a"],
  });

test("a start removes what clusters left whose processes are gone, and nothing else", async () => {
  const first = await make();
  const own = basename(dirname(first.authority));
  expect(own).toContain(`-${process.pid}-`);
  const gone = String(spawnSync(process.execPath, ["--version"]).pid);
  const stale = own.replace(`-${process.pid}-`, `-${gone}-`);
  const elsewhere = stale.replace("taskflock-certificates-", "taskflock-certificates-another-host-");
  for (const name of [stale, elsewhere]) mkdirSync(join(folder, name));
  const second = await make();
  expect(existsSync(join(folder, stale))).toBe(false);
  expect(readdirSync(folder)).toEqual(expect.arrayContaining([own, elsewhere]));
  await first.remove();
  await second.remove();
  expect(readdirSync(folder)).toEqual([elsewhere]);
});
