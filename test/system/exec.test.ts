// Commands on real workers: they stop when their task does, however that comes, and with all that they have started.

import { existsSync, readFileSync } from "node:fs";
import { type Client, type ExecOptions, type Future, isFlockError, LocalCluster } from "taskflock";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { taskflock } from "./processes.ts";

/** A process that has ended and that nobody asked for its exit code counts as gone. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const state = `/proc/${pid}/stat`;
  if (process.platform !== "linux") return true;
  return existsSync(state) && !/\) Z /.test(readFileSync(state, "utf8"));
}

/** Four processes that do not heed SIGTERM, one the child of a child. */
const FOREST = `
  trap '' TERM
  sh -c 'echo pid $$; exec sleep 1000' &
  sh -c 'sh -c "echo pid \\$\\$; exec sleep 1000" & echo pid $$; wait' &
  echo pid $$ in $PWD
  wait`;

const pidsIn = (text: string): number[] => [...text.matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid));

class Forest {
  readonly future: Future<unknown>;
  readonly #printed: () => string;

  constructor(client: Client, printed: () => string, options: ExecOptions = {}) {
    this.#printed = printed;
    this.future = client.exec(["sh", "-c", FOREST], options);
  }

  get pids(): readonly number[] {
    return pidsIn(this.#printed());
  }

  get folder(): string {
    return / in (.*)/.exec(this.#printed())?.[1] ?? "";
  }

  async grown(): Promise<void> {
    await expect.poll(() => this.pids.length, { timeout: 20_000 }).toBe(4);
    expect(this.pids.every(isAlive)).toBe(true);
    expect(existsSync(this.folder)).toBe(true);
  }

  async gone(): Promise<void> {
    await expect.poll(() => this.pids.filter(isAlive), { timeout: 20_000 }).toEqual([]);
    await expect.poll(() => existsSync(this.folder), { timeout: 20_000 }).toBe(false);
  }
}

let cluster: LocalCluster;
let client: Client;
let printed = "";
const connect = (): Promise<Client> =>
  cluster.connect({
    logs: ({ text }) => {
      printed += `${text}\n`;
    },
  });

beforeAll(async () => {
  const env = { TASKFLOCK_TOKEN: "do-not-tell", NODE_OPTIONS: "--preserve-symlinks", TZ: "Asia/Tokyo" };
  cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1, env });
});
afterAll(() => cluster?.close());
beforeEach(async () => {
  printed = "";
  client = await connect();
});
afterEach(async () => {
  await client?.close();
  for (const pid of pidsIn(printed).filter(isAlive)) process.kill(pid, "SIGKILL"); // of a test that failed
});

const grow = (options?: ExecOptions): Forest => new Forest(client, () => printed, options);

describe.each(["thread", "process"] as const)("in a %s", (isolation) => {
  test("output arrives while it runs, and with the result", async () => {
    const result = await client.exec(["sh", "-c", "echo one; echo two >&2"], { isolation }).result();
    expect(result).toMatchObject({ stdout: "one\n", stderr: "two\n", exitCode: 0 });
    expect(result.worker).toMatch(/^worker-/);
    await expect.poll(() => printed.split("\n").sort()).toEqual(["", "one", "two"]);
  });

  test("cancel kills it with its children", async () => {
    const forest = grow({ isolation });
    await forest.grown();
    await forest.future.cancel("enough");
    await expect(forest.future.result()).rejects.toMatchObject({ code: "FLOCK_CANCELLED" });
    await forest.gone();
  });

  test("so does a cancel that ends the slot at once", async () => {
    const forest = grow({ isolation, cancelGraceMs: 0 });
    await forest.grown();
    await forest.future.cancel();
    await expect(forest.future.result()).rejects.toMatchObject({ code: "FLOCK_CANCELLED" });
    await forest.gone();
    expect(await client.call((x: number) => x, [1])).toBe(1);
  });

  test("so does the death of its worker", async () => {
    const forest = grow({ isolation, allowedFailures: 0 });
    await forest.grown();
    const running = (await client.workers()).find((worker) => worker.running > 0);
    process.kill(running!.pid, "SIGKILL");
    await expect(forest.future.result()).rejects.toMatchObject({ code: "FLOCK_KILLED_WORKER" });
    await forest.gone();
    await client.waitForWorkers(2);
  });
});

test("the client leaves: nobody waits for it any more", async () => {
  const forest = grow();
  await forest.grown();
  await client.close();
  await forest.gone();
});

test("what a command leaves running ends with it", async () => {
  const { stdout } = await client.exec(["sh", "-c", "sleep 1000 & echo $!"]).result();
  await expect.poll(() => isAlive(Number(stdout))).toBe(false);
});

test("commands do not see the cluster's token", async () => {
  const { stdout } = await client.exec(["env"]).result();
  expect(stdout).toContain("PATH=");
  expect(stdout).not.toContain("TASKFLOCK_TOKEN");
  expect(stdout).not.toContain("do-not-tell");
});

test("results of a megabyte and more come back as files", async () => {
  const { files } = await client.exec(["sh", "-c", "head -c 3000000 /dev/zero > big"], { outputs: ["big"] }).result();
  expect(files["big"]?.length).toBe(3_000_000);
});

describe("runOnWorkers", () => {
  test("runs once in every worker, busy elsewhere or not", async () => {
    const pids = await client.runOnWorkers(() => process.pid);
    const workers = await client.workers();
    expect(pids).toEqual(Object.fromEntries(workers.map(({ name, pid }) => [name, pid])));
  });

  test("one that dies under it is named; the others are waited for", async () => {
    const [first] = await client.workers();
    const kill = (pid: number) => process.pid === pid && process.kill(pid, "SIGKILL");
    const outcome = await client.runOnWorkers(kill, [first!.pid], { onError: "return" });
    const { [first!.name]: dead, ...others } = outcome;
    expect(isFlockError(dead, "FLOCK_WORKER_LOST")).toBe(true);
    expect(Object.values(others)).toEqual([false]);
    await client.waitForWorkers(2);
  });
});

describe("versions", () => {
  test("name what differs, and what does no harm", async () => {
    const versions = await client.versions({ packages: ["esbuild", "no-such-package"] });
    const [name] = Object.keys(versions.workers);
    expect(versions.workers[name!]).toMatchObject({
      node: process.versions.node,
      taskflock: versions.client.taskflock,
      timeZone: "Asia/Tokyo",
      packages: { esbuild: versions.client.packages["esbuild"], "no-such-package": null },
    });
    expect(versions.client.packages["esbuild"]).toMatch(/^\d/);
    expect(versions.scheduler.taskflock).toBe(versions.client.taskflock);
    expect(Object.keys(versions.table)).toEqual(["client", "scheduler", ...Object.keys(versions.workers)]);
    expect(versions.differences).toEqual([
      expect.stringMatching(/^flags: client .*, workers worker-1, worker-2 --preserve-symlinks$/),
    ]);
    expect(versions.notes).toEqual([expect.stringMatching(/^time zone: client \S+, workers .* Asia\/Tokyo$/)]);
    await expect(client.versions({ check: true })).rejects.toMatchObject({
      code: "FLOCK_ENVIRONMENT_MISMATCH",
      message: expect.stringContaining("--preserve-symlinks"),
    });
  });

  test("doctor tells them", async () => {
    const doctor = await taskflock(["doctor", "--address", cluster.address], { TASKFLOCK_TOKEN: cluster.token });
    expect(doctor.stdout).toMatch(/FAIL {2}flags: client none, workers .* --preserve-symlinks/);
    expect(doctor.stdout).toMatch(/ok {4}differs, which does no harm as a rule: time zone/);
    expect(doctor.code).toBe(1);
  });
});
