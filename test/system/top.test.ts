// `taskflock top` where there is no terminal, on a real cluster.

import { Client, range } from "taskflock";
import { afterEach, expect, test } from "vitest";
import { type Role, startRole, taskflock } from "./processes.ts";

const roles: Role[] = [];
afterEach(async () => {
  for (const role of roles.splice(0).reverse()) await role.stop();
});

test("prints what is once, as nobody's client, and ends", async () => {
  const quiet = ["--log-level", "warn"];
  const scheduler = await startRole(["scheduler", "--port", "0", "--dashboard-port", "0", ...quiet]);
  roles.push(scheduler);
  const { address } = scheduler.ready;
  const empty = await taskflock(["top", address]);
  expect(empty).toMatchObject({ code: 0, stderr: "" });
  expect(empty.stdout).toContain("No worker is connected, and there is nothing to do.");
  expect(empty.stdout).toContain("0 clients");

  roles.push(await startRole(["worker", address, "--name", "one", "--threads", "2", "--no-nanny", ...quiet]));
  const client = await Client.connect(address, { name: "notebook" });
  await client.gather(client.map((x: number) => x + 1, range(20)));
  const { code, stdout } = await taskflock(["top", "--once"], { TASKFLOCK_ADDRESS: address });
  await client.close();
  expect(code).toBe(0);
  expect(stdout).toContain("Idle: 1 worker with 2 slots, and nothing to do.");
  expect(stdout).toMatch(/^notebook +█+ +20 of 20/m);
  expect(stdout).toMatch(/^one +running +0\/2/m);
  expect(stdout).toMatch(/^FUNCTION +TO COME +ACTIVE +DONE/m);
  expect(stdout).not.toContain("\u001b");
});

test("says that no scheduler answers", async () => {
  const { code, stderr } = await taskflock(["top", "127.0.0.1:9"], { TASKFLOCK_TOKEN: "x" });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^taskflock: .*\(FLOCK_CONNECTION_REFUSED\)\n$/);
});
