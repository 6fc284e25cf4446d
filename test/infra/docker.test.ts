// The images: what they are made of, and a cluster of them that does the main job.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as ask } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import { makeToken } from "@taskflock/protocol";
import { Client, loadDigits, svc } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { root } from "../tidy/tree.ts";
import { ComposedCluster } from "./composed-cluster.ts";
import { type DockerEngine, dockerEngine, must, until } from "./docker-engine.ts";
import { nodeBase } from "./node-base.ts";

const image = "taskflock-test:cpu";
const MB = 1e6;

const secrets = mkdtempSync(join(tmpdir(), "taskflock-secrets-"));
let engine: DockerEngine;
let why: string | null = null;

/** What must be in no layer, put where people keep such things: in the folder that is built from. */
const decoys = [".env.docker-test", ".npmrc.docker-test", "docker/secrets/docker-test"];
const decoy = `decoy-${process.pid}-${Date.now().toString(36)}`;

beforeAll(async () => {
  const found = await dockerEngine();
  if (typeof found === "string") why = found;
  else {
    engine = found;
    why = await nodeBase(engine);
  }
  if (why !== null) {
    console.log(`skipped: ${why}`);
    return;
  }
  mkdirSync(join(root, "docker/secrets"), { recursive: true, mode: 0o700 });
  for (const path of decoys) writeFileSync(join(root, path), decoy);
  await engine.must(["build", "--quiet", "--file", "docker/Dockerfile", "--target", "cpu", "--tag", image, "."], {
    cwd: root,
  });
});

afterAll(async () => {
  for (const path of decoys) rmSync(join(root, path), { force: true });
  rmSync(secrets, { recursive: true, force: true });
  await engine?.stop();
});

const inspect = async (name: string, format: string): Promise<string> =>
  engine.must(["inspect", "--format", format, name]);
const output = (...args: string[]): Promise<string> => engine.must(["run", "--rm", ...args]);

describe("the cpu image", () => {
  test("is under 300 MB", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const bytes = Number(await inspect(image, "{{.Size}}"));
    console.log(`the image takes ${(bytes / MB).toFixed(0)} MB`);
    expect(bytes).toBeLessThan(300 * MB);
  });

  test("runs the CLI, as a user who is not root, below an init", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const { version } = JSON.parse(readFileSync(join(root, "packages/taskflock/package.json"), "utf8"));
    expect(await output(image, "--version")).toBe(version);
    expect(await output(image, "sh", "-c", "id -u; id -g; cat /proc/1/comm")).toBe("1000\n1000\ntini");
    expect(await output("--cap-drop", "ALL", "--read-only", "--tmpfs", "/tmp", image, "sh", "-c", "echo well")).toBe(
      "well",
    );
    const writable = 'find / -xdev -user 1000 -not -path "/home/*" -not -path "/proc/*" -not -path "/tmp/*"';
    const folders = ["/app", ...["ca", "certs", "tokens", "users"].map((name) => `/var/lib/taskflock/${name}`)];
    expect(await output(image, "sh", "-c", `${writable} 2>/dev/null | sort`)).toBe(folders.join("\n"));
  });

  test("has no tools that built it, and programs in /app find taskflock", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const tools = "ls -d /opt/taskflock/node_modules/typescript /opt/taskflock/packages/client/src 2>/dev/null || true";
    expect(await output(image, "sh", "-c", tools)).toBe("");
    const program = 'import("taskflock").then(({ Client }) => console.log(typeof Client.connect))';
    expect(await output(image, "node", "--eval", program)).toBe("function");
  });

  test("says what is wrong: no token, and a /tmp that cannot be written", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const refused = await engine.run(["run", "--rm", image, "scheduler"]);
    expect(refused).toMatchObject({ ok: false, output: expect.stringContaining("FLOCK_INSECURE") });
    const unwritable = await engine.run(["run", "--rm", "--read-only", image, "scheduler", "--insecure"]);
    expect(unwritable).toMatchObject({ ok: false, output: expect.stringContaining("--tmpfs /tmp") });
  });

  test("has no secret in any layer, nor in its history", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const folder = mkdtempSync(join(tmpdir(), "taskflock-layers-"));
    try {
      await engine.must(["save", "--output", join(folder, "image.tar"), image]);
      await must("tar", ["-xf", "image.tar"], { cwd: folder });
      // Layers are archives, whose files are found as they are.
      const layers = (await must("find", [folder, "-name", "layer.tar"])).split("\n");
      expect(layers.length).toBeGreaterThan(3);
      const finds = async (text: string): Promise<string> =>
        (await must("grep", ["-rlaF", "--", text, folder])).split("\n")[0] ?? "";
      expect(await finds("taskflock-entrypoint")).not.toBe(""); // so grep does find what is there
      await expect(finds(decoy)).rejects.toThrow("grep");
      const history = await engine.must(["history", "--no-trunc", image]);
      expect(history).not.toMatch(/TOKEN=|PASSWORD=|SECRET=/i);
      expect(await inspect(image, "{{json .Config.Env}}")).not.toMatch(/TOKEN|PASSWORD|SECRET/i);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("compose.yaml: a scheduler and two workers", () => {
  const token = makeToken();
  let cluster: ComposedCluster;

  beforeAll(async () => {
    if (why !== null) return;
    writeFileSync(join(secrets, "token"), token);
    writeFileSync(join(secrets, "grafana-password"), makeToken());
    cluster = await ComposedCluster.up(engine, { image, secrets, workers: 2 });
  });

  afterAll(() => cluster?.down());

  /** What the page answers to who trusts the cluster's authority. */
  const page = (
    path: string,
    headers: Record<string, string> = {},
    servername = "scheduler.taskflock",
  ): Promise<{ readonly status: number; readonly body: string; readonly fingerprint: string }> =>
    new Promise((resolve, reject) => {
      const ca = readFileSync(cluster.caFile);
      const sent = ask(new URL(path, cluster.page), { ca, servername, headers, agent: false }, (message) => {
        const { fingerprint256 } = (message.socket as TLSSocket).getPeerCertificate();
        const answered = (body: string) => ({ status: message.statusCode ?? 0, body, fingerprint: fingerprint256 });
        text(message).then((body) => resolve(answered(body)), reject);
      });
      sent.on("error", reject).end();
    });
  const connect = (as = token): Promise<Client> =>
    Client.connect(cluster.address, { token: as, tls: { caFile: cluster.caFile } });

  test("become healthy, and run the digits search from the host", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const client = await connect();
    const { data, target } = loadDigits();
    const params = { C: [1e-4, 1, 1e4], gamma: [1e-3, 1, 1e3], classWeight: [null, "balanced" as const] };
    const search = client.gridSearch({ estimator: svc({ kernel: "rbf" }), params, X: data, y: target, cv: 3 });
    const found = await search.result();
    const { bestScore, bestIndex } = JSON.parse(readFileSync(join(root, "test/data/digits-svc-grid.json"), "utf8"));
    expect(found).toMatchObject({ bestScore, bestIndex });
    const workers = await client.workers();
    expect(workers.filter(({ finished }) => finished > 0)).toHaveLength(2);
    await client.close();
  });

  test("own code goes into an image by three lines, and runs there", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const folder = join(root, "docker/examples/own-code");
    const dockerfile = readFileSync(join(folder, "Dockerfile"), "utf8");
    expect(dockerfile.trim().split("\n")).toHaveLength(3);
    const input = dockerfile.replace("FROM taskflock:latest", `FROM ${image}`);
    expect(input).not.toBe(dockerfile);
    await engine.must(["build", "--quiet", "--tag", "taskflock-test:own", "--file", "-", folder], { input });
    const place = ["--network", cluster.network, "--env", "TASKFLOCK_ADDRESS=scheduler:8786"];
    const secret = [
      ...["--volume", `${join(secrets, "token")}:/run/secrets/taskflock-token:ro`],
      ...["--volume", `${cluster.caFile}:/run/secrets/taskflock-ca.pem:ro`],
    ];
    const said = await output(...place, ...secret, "taskflock-test:own", "node", "main.mjs");
    expect(said.split(" ")).toHaveLength(8);
    expect(said).toMatch(/^(0\.70\d ?){8}$/);
  });

  test("the CLI in a container knows the token; Prometheus reads over TLS, by its own user", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const status = JSON.parse(await engine.must(["exec", cluster.scheduler, "taskflock", "status", "--json"]));
    expect(status.workers).toHaveLength(2);
    const [scrape] = parse(readFileSync(join(root, "docker/prometheus/prometheus.yml"), "utf8")).scrape_configs;
    expect(await cluster.setUp("sh", "-c", "ls -l tokens/prometheus")).toMatch(/^-rw-r--r--/); // Prometheus is another user
    const authorization = `Bearer ${await cluster.fileOf("tokens/prometheus")}`;
    const metrics = await page("/metrics", { authorization }, scrape.tls_config.server_name);
    expect(metrics.body).toMatch(/^taskflock_worker_slots\{worker="/m);
    expect((await page("/metrics")).status).toBe(401);
  });

  test("users come with their roles: a viewer looks, and submits nothing", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const added = await cluster.setUp("user", "add", "ada", "--role", "viewer", "--generate");
    const client = await connect(added);
    expect(await client.workers()).toHaveLength(2);
    await expect(client.call((x: number) => x, [1])).rejects.toMatchObject({ code: "FLOCK_FORBIDDEN" });
    await client.close();
  });

  test("plain text is refused, and another authority is not taken", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const plain = cluster.address.replace("wss:", "ws:");
    await expect(Client.connect(plain, { token, reconnectMs: 0 })).rejects.toMatchObject({
      code: "FLOCK_TLS_REQUIRED",
    });
    await expect(Client.connect(cluster.address, { token, reconnectMs: 0 })).rejects.toMatchObject({
      code: "FLOCK_CERTIFICATE_UNTRUSTED",
    });
    const led = await fetch(`${cluster.page.replace("https:", "http:")}/status`, { redirect: "manual" });
    expect([led.status >= 300, led.headers.get("location")]).toEqual([true, `${cluster.page}/status`]);
  });

  test("a renewed certificate is taken while all run", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const before = (await page("/health")).fingerprint;
    const client = await connect();
    const names = (await client.workers()).map(({ name }) => name).toSorted();
    await cluster.setUp("certs", "renew", "certs");
    await until(
      async () => (await page("/health")).fingerprint !== before,
      async () => "the scheduler shows its old certificate",
    );
    expect((await client.workers()).map(({ name }) => name).toSorted()).toEqual(names);
    expect(await client.call((x: number) => x + 1, [1])).toBe(2);
    await client.close();
    const again = await connect();
    expect((await again.events()).map(({ kind }) => kind)).not.toContain("workerLost");
    await again.close();
  });

  test("a worker that hangs is told from one that is well", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const [worker = ""] = await cluster.workers();
    const check = () => engine.run(["exec", worker, "taskflock-health"]);
    expect(await check()).toMatchObject({ ok: true, stdout: "joined\n" });
    await engine.must(["exec", worker, "touch", "-d", "1 minute ago", "/tmp/taskflock-container/joined"]);
    await until(
      async () => (await check()).ok,
      async () => "the worker does not renew its file",
    );
    // The worker's own process, not its nanny: the one that has --no-nanny in its arguments.
    const signal = (name: string) => [
      "exec",
      worker,
      "sh",
      "-c",
      `for p in /proc/[0-9]*; do grep -qa -e "--no-nann[y]" $p/cmdline && kill -${name} \${p#/proc/}; done; true`,
    ];
    await engine.must(signal("STOP"));
    await until(
      async () => !(await check()).ok,
      async () => "a worker that stands still looks well",
    );
    await engine.must(signal("CONT"));
    await until(
      async () => (await check()).ok,
      async () => "a worker that goes on looks ill",
    );
  });

  test("SIGTERM retires a worker: what runs is finished, what it holds is handed over, and it ends well", async ({
    skip,
  }) => {
    skip(why !== null, why ?? "");
    const client = await connect();
    const slow = async (i: number): Promise<number> => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return i;
    };
    const futures = client.map(
      slow,
      Array.from({ length: 60 }, (_, i) => i),
    );
    await futures[0]!.result();
    const [worker = ""] = await cluster.workers();
    await engine.must(["stop", "--time", "60", worker]);
    expect(await inspect(worker, "{{.State.ExitCode}}")).toBe("0");
    expect(await client.gather(futures)).toEqual(Array.from({ length: 60 }, (_, i) => i));
    const kinds = (await client.events()).map(({ kind }) => kind);
    expect(kinds).toContain("workerRetiring");
    expect(kinds).not.toContain("workerLost");
    expect(await client.workers()).toHaveLength(1);
    await client.close();
  });

  test("the scheduler stops well, too", async ({ skip }) => {
    skip(why !== null, why ?? "");
    await engine.must(["stop", "--time", "30", cluster.scheduler]);
    expect(await inspect(cluster.scheduler, "{{.State.ExitCode}}")).toBe("0");
  });
});
