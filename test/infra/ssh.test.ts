// SshCluster over real OpenSSH, to hosts with networks of their own on this machine.

import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Client, loadDigits, range, SshCluster, svc } from "taskflock";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { until } from "./docker-engine.ts";
import { SshHosts, whyNoSsh } from "./ssh-hosts.ts";

type Options = Parameters<typeof SshCluster.start>[0];

const cli = fileURLToPath(new URL("../../packages/taskflock/dist/cli.js", import.meta.url));
const names = ["head", "one", "two"];
const why = await whyNoSsh();
if (why !== null) console.log(`skipped: ${why}`);

let hosts: SshHosts;
const closing: (() => Promise<unknown>)[] = [];

describe.skipIf(why !== null)("a cluster of hosts that SSH reaches", () => {
  beforeAll(async () => {
    hosts = await SshHosts.start(names);
    vi.stubEnv("TASKFLOCK_TLS_CA", "/nonexistent"); // of another cluster, and none of this one's business
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await hosts?.stop();
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    await nothingIsLeft();
  });

  const nothingIsLeft = (): Promise<void> => {
    const left = async (): Promise<number[]> => (await Promise.all(names.map((name) => hosts.processes(name)))).flat();
    return until(
      async () => (await left()).length === 0,
      async () => `left: ${(await left()).map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8")).join("\n")}`,
    );
  };

  const sshOptions = (key = "user"): string[] => ["-F", join(hosts.folder, "config"), "-i", join(hosts.folder, key)];
  const options = (more: Partial<Options>): Options => ({
    ...{ hosts: ["one", "two"], threadsPerWorker: 1, command: [process.execPath, cli], sshOptions: sshOptions() },
    ...more,
  });

  async function start(more: Partial<Options>): Promise<[SshCluster, Client]> {
    const cluster = await SshCluster.start(options(more));
    closing.push(() => cluster.close());
    const client = await cluster.connect({ logs: "ignore" });
    closing.push(() => client.close());
    return [cluster, client];
  }

  test("works through their SSH connections alone, with every other port closed; the token is seen nowhere", async () => {
    for (const name of ["one", "two"]) {
      const host = hosts.net.host(name);
      const onlySsh = ["--in-interface", "eth0", "--protocol", "tcp", "!", "--dport", "22", "--jump", "REJECT"];
      await host.must("iptables", "--append", "INPUT", ...onlySsh);
      closing.push(() => host.heal());
    }
    const [cluster, client] = await start({ prologue: ["echo hello", "export FROM_PROLOGUE=yes"], directory: "/" });
    expect((await cluster.workers()).map(({ name }) => name).toSorted()).toEqual(["one", "two"]);
    // Results of one host are arguments on the other, by way of the scheduler.
    const big = client.map((i: number) => new Float64Array(20_000).fill(i), range(8));
    const sums = client.map((array: Float64Array) => array.reduce((sum, x) => sum + x, 0), big.toReversed());
    expect(await client.gather(sums)).toEqual(range(8).map((i) => (7 - i) * 20_000));
    expect(await client.submit(() => process.env["FROM_PROLOGUE"] ?? "", []).result()).toBe("yes");
    for (const pid of (await Promise.all(names.map((name) => hosts.processes(name)))).flat()) {
      for (const file of ["cmdline", "environ"]) expect(readProcess(pid, file)).not.toContain(cluster.token);
    }
    expect((await client.events()).map(({ kind }) => kind)).not.toContain("workerLost");
    expect((await fetch(await cluster.dashboardLink())).status).toBe(200);
  });

  test("runs the digits search with the scheduler on a host, and links between the hosts", async () => {
    const [cluster, client] = await start({ scheduler: "head", insecure: true, workersPerHost: 2 });
    expect(cluster.address.split(":")[0]).toBe(hosts.net.host("head").address);
    expect((await cluster.workers()).length).toBe(4);
    const { data, target } = loadDigits();
    const params = { C: [1e-4, 1, 1e4], gamma: [1e-3, 1, 1e3], classWeight: [null, "balanced" as const] };
    const { bestScore, bestIndex } = await client
      .gridSearch({ estimator: svc({ kernel: "rbf" }), params, X: data, y: target, cv: 3 })
      .result();
    const reference = JSON.parse(readFileSync(new URL("../data/digits-svc-grid.json", import.meta.url), "utf8"));
    expect([bestScore, bestIndex]).toEqual([reference.bestScore, reference.bestIndex]);
    expect((await fetch(await cluster.dashboardLink())).status).toBe(200);
  });

  test("ends with the process that started it, however that ends", async () => {
    const program = join(hosts.folder, "program.mjs");
    const entry = pathToFileURL(join(cli, "../index.js")).href;
    const given = JSON.stringify(options({ hosts: ["one", "one", "two"] }));
    const lines = [
      `import { SshCluster } from ${JSON.stringify(entry)};`,
      `const cluster = await SshCluster.start(${given});`,
      "console.log((await cluster.workers()).map(({ name }) => name).sort().join());",
      "setInterval(() => {}, 1000);",
    ];
    writeFileSync(program, lines.join("\n"));
    const child = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit"] });
    const said = await new Promise((resolve) => child.stdout.once("data", (chunk) => resolve(String(chunk).trim())));
    expect(said).toBe("one,one-2,two");
    expect((await hosts.processes("one")).length).toBeGreaterThan(0);
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await ended;
    await nothingIsLeft();
  });

  test("says what is wrong with a host, in ssh's words, and starts nothing", async () => {
    const failing = (more: Partial<Options>): Promise<unknown> =>
      SshCluster.start(options(more)).catch((error) => error);
    const unreachable = await failing({ hosts: ["one", "nowhere"] });
    expect(unreachable).toMatchObject({ code: "FLOCK_SSH_UNREACHABLE", message: expect.stringContaining("refused") });
    const stranger = await failing({ sshOptions: sshOptions("stranger") });
    expect(stranger).toMatchObject({ code: "FLOCK_SSH_REFUSED", message: expect.stringContaining("ssh-copy-id") });
    const unknown = await failing({ sshOptions: [...sshOptions(), "-o", "UserKnownHostsFile=/dev/null"] });
    expect(unknown).toMatchObject({ code: "FLOCK_SSH_REFUSED", message: expect.stringContaining("compare its key") });
    const none = await failing({ command: ["taskflock-is-not-here"] });
    expect(none).toMatchObject({ code: "FLOCK_SSH_COMMAND", message: expect.stringContaining("not found") });
    const away = await failing({ directory: "/nonexistent" });
    expect(away).toMatchObject({ code: "FLOCK_SSH_COMMAND", message: expect.stringContaining("/nonexistent") });
    const old = await failing({ command: ["sh", "-c", "echo 0.0.1"] });
    expect(old).toMatchObject({ code: "FLOCK_VERSION_MISMATCH", message: expect.stringContaining("taskflock 0.0.1") });
    expect(await failing({ env: { PATH: "/nonexistent" } })).toMatchObject({ code: "FLOCK_SSH_MISSING" });
    expect(await failing({ tunnel: false })).toMatchObject({ code: "FLOCK_INSECURE" });
    expect(await failing({ hosts: ["-oProxyCommand=true"] })).toMatchObject({ code: "FLOCK_OPTION_INVALID" });
  });
});

function readProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return ""; // it ended
  }
}
