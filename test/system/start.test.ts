// What a role has loaded when it is ready. A cluster starts many of them at once, and every file takes its time.
import { afterEach, expect, test } from "vitest";
import { loadedFiles, type Role, startRole } from "./processes.ts";

const roles: Role[] = [];
afterEach(async () => {
  for (const role of roles.splice(0).reverse()) await role.stop();
});

async function start(...args: string[]): Promise<Role> {
  const role = await startRole([...args, "--log-level", "warn"], { inspect: true });
  roles.push(role);
  return role;
}

/** The packages, and how many files of ours. */
async function loadedBy(role: Role): Promise<{ readonly packages: readonly string[]; readonly ours: number }> {
  const files = await loadedFiles(role.inspector ?? "");
  const names = files.flatMap((file) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []);
  return {
    packages: [...new Set(names)].sort(),
    ours: new Set(files.filter((file) => /\/packages\/\w+\/dist\//.test(file))).size,
  };
}

test("roles load what they need to be ready, and the rest when it is needed", async () => {
  const scheduler = await start("scheduler", "--port", "0", "--dashboard-port", "0");
  const worker = await start("worker", scheduler.ready.address, "--threads", "1", "--no-nanny");
  const nanny = await start("worker", scheduler.ready.address, "--threads", "1");

  const ofScheduler = await loadedBy(scheduler);
  expect(ofScheduler.packages).toEqual(["msgpackr", "ws"]);
  // The machine is all of it there from the start, a file for each idea: see docs/benchmarks.md, row 15.
  expect(ofScheduler.ours).toBeLessThan(165);
  const ofWorker = await loadedBy(worker);
  expect(ofWorker.packages).toEqual(["msgpackr", "piscina", "ws"]);
  expect(ofWorker.ours).toBeLessThan(155);
  const ofNanny = await loadedBy(nanny);
  expect(ofNanny.packages).toEqual(["msgpackr", "ws"]);
  expect(ofNanny.ours).toBeLessThan(65);

  const metrics = await fetch(new URL("/metrics", scheduler.ready.dashboard));
  expect(await metrics.text()).toContain("taskflock_scheduler_workers");
  expect((await loadedBy(scheduler)).packages).toEqual(expect.arrayContaining(["fastify", "prom-client"]));
});
