// A cluster by its name: saved once, found by every command and by `Client.connect()`.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { saveContext } from "@taskflock/protocol";
import { Client } from "taskflock";
import { afterEach, expect, test, vi } from "vitest";
import { startRole, taskflock } from "./processes.ts";

const folder = mkdtempSync(join(tmpdir(), "taskflock-context-"));
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

test("a saved connection context stands for address and token file, wherever none is said", async () => {
  const tokenFile = join(folder, "token");
  writeFileSync(tokenFile, "the-token-of-the-context", { mode: 0o600 });
  const scheduler = await startRole(["scheduler", "--port", "0", "--dashboard-port", "0", "--token-file", tokenFile]);
  const { address } = scheduler.ready;
  vi.stubEnv("XDG_STATE_HOME", join(folder, "state")); // for this process and for those that it starts
  for (const name of ["ADDRESS", "TOKEN", "TOKEN_FILE", "CONTEXT"]) vi.stubEnv(`TASKFLOCK_${name}`, undefined);
  const missing = await taskflock(["context", "save", "digits", "--address", address, "--token-file", "missing"]);
  expect(missing.stderr).toMatch(/no file .*missing \(--token-file\).*FLOCK_CONTEXT_INVALID/);
  expect((await taskflock(["context", "save", "digits", "--address", "a b"])).stderr).toContain(
    "FLOCK_ADDRESS_INVALID",
  );
  expect((await taskflock(["context", "list"])).stdout).toMatch(/^None is saved\. `taskflock context save` does/);
  const saved = await taskflock([
    "context",
    "save",
    "digits",
    "--address",
    address,
    "--token-file",
    tokenFile,
    "--no-use",
  ]);
  expect([saved.stdout, saved.code]).toEqual(["digits is saved.\n", 0]);
  saveContext("elsewhere", { address: "127.0.0.1:9", tokenFile });

  expect((await taskflock(["context", "list"])).stdout).toMatch(/NAME +ADDRESS\n +digits .*\n +elsewhere /);
  expect((await taskflock(["context", "use", "digits"])).code).toBe(0);
  expect(JSON.parse((await taskflock(["context", "show"])).stdout)).toEqual({ name: "digits", address, tokenFile });
  expect((await taskflock(["status"])).stdout).toMatch(/^Scheduler .*, 0 clients/);
  expect((await taskflock(["top", "--once"])).stdout).toContain(address);
  expect((await taskflock(["token"])).stdout).toBe("the-token-of-the-context\n");
  const client = await Client.connect();
  expect(client.address).toBe(address);
  await client.close();

  // What is said goes first, and the context's token goes to no other address.
  const said = await taskflock(["status", "--context", "elsewhere"], { TASKFLOCK_ADDRESS: address });
  expect(said.stderr).toMatch(/127\.0\.0\.1:9.*FLOCK_CONNECTION_REFUSED/);
  expect((await taskflock(["top", "--once", address])).stderr).toContain("FLOCK_UNAUTHORIZED");
  const unknown = await taskflock(["status"], { TASKFLOCK_CONTEXT: "digit" });
  expect(unknown.stderr).toMatch(/no connection context digit .*There are: digits, elsewhere\..*FLOCK_CONTEXT_UNKNOWN/);

  const damaged = join(folder, "state", "taskflock", "contexts", "damaged.json");
  writeFileSync(damaged, "{");
  expect((await taskflock(["context", "list"])).stdout).toMatch(/damaged +\(cannot be used.*\n\* +digits /);
  expect((await taskflock(["context", "show", "damaged"])).stderr).toMatch(/is not JSON.*FLOCK_CONTEXT_INVALID/);
  expect((await taskflock(["context", "remove", "damaged"])).code).toBe(0);

  expect((await taskflock(["context", "use", "--none"])).code).toBe(0);
  expect((await taskflock(["context", "list"])).stdout).not.toContain("*");
  expect((await taskflock(["context", "remove", "digits"])).code).toBe(0);
  expect((await taskflock(["context", "remove", "digits"])).stderr).toContain("FLOCK_CONTEXT_UNKNOWN");
  expect((await taskflock(["context", "use"])).code).toBe(1);
  await scheduler.stop();
});
