// The manifests of kubernetes/, built by kubectl's own kustomize, and their processes started as they say, without a cluster: there is none
// to be had here.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { programPath } from "../../scripts/debian.mjs";
import { root } from "../tidy/tree.ts";
import { must } from "./docker-engine.ts";

// biome-ignore lint/suspicious/noExplicitAny: each kind of thing has other fields
type Thing = any;

const cli = join(root, "packages/taskflock/dist/cli.js");
const folder = mkdtempSync(join(tmpdir(), "taskflock-kubernetes-"));
const secrets = join(folder, "kubernetes/base/secrets");
const builder = ["kubectl", "kustomize"].find((program) => programPath(program) !== undefined);
const why = builder === undefined ? "neither kubectl nor kustomize is here" : null;
if (why !== null) console.log(`skipped: ${why}`);

const children: ChildProcess[] = [];

beforeAll(async () => {
  cpSync(join(root, "kubernetes"), join(folder, "kubernetes"), { recursive: true });
  mkdirSync(secrets, { recursive: true, mode: 0o700 });
  await must(process.execPath, [cli, "certs", "init", secrets]);
  writeFileSync(join(secrets, "token"), "a-token-that-is-long-enough-for-tests\n");
  writeFileSync(join(secrets, "worker-token"), "another-token-that-is-long-enough\n");
});
afterAll(async () => {
  for (const child of children) {
    const ended = once(child, "close");
    child.kill("SIGTERM");
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
});

async function build(name: string): Promise<Thing[]> {
  const [program = "", ...args] = builder === "kubectl" ? ["kubectl", "kustomize"] : ["kustomize", "build"];
  const text = await must(program, [...args, join(folder, "kubernetes", name)]);
  return parseAllDocuments(text).map((document) => document.toJS());
}

const containerOf = (things: readonly Thing[], name: string): Thing =>
  things.find((thing) => thing.kind === "Deployment" && thing.metadata.name === name)?.spec.template.spec.containers[0];

describe.skipIf(why !== null)("the manifests", () => {
  test("build, all in their namespace, with the secrets that each role needs", async () => {
    const things = await build("base");
    expect(things.map(({ kind }) => kind).toSorted()).toEqual(
      [
        "Namespace",
        "Secret",
        "Secret",
        "Service",
        "Deployment",
        "Deployment",
        "PodDisruptionBudget",
        "PodDisruptionBudget",
      ].toSorted(),
    );
    for (const { kind, metadata } of things) if (kind !== "Namespace") expect(metadata.namespace).toBe("taskflock");
    const keys = things
      .filter(({ kind }) => kind === "Secret")
      .map(({ metadata, data }) => [metadata.name, Object.keys(data)]);
    expect(Object.fromEntries(keys)).toEqual({
      "taskflock-scheduler": ["scheduler-key.pem", "scheduler.pem", "token", "worker-token"],
      "taskflock-worker": ["ca.pem", "token"],
    });
    expect(containerOf(things, "taskflock-workers").image).toBe("taskflock:latest");
  });

  test("with GPUs: one for each worker, by the other image; the scheduler as before", async () => {
    const [things, plain] = [await build("gpu"), await build("base")];
    const worker = containerOf(things, "taskflock-workers");
    expect(worker.image).toBe("taskflock:gpu");
    expect(worker.resources.limits).toEqual({ cpu: "2", memory: "4Gi", "nvidia.com/gpu": 1 });
    expect(worker.args).toEqual(containerOf(plain, "taskflock-workers").args);
    expect(containerOf(things, "taskflock-scheduler")).toEqual(containerOf(plain, "taskflock-scheduler"));
  });

  test("start processes that find each other, and that the probes find well", async () => {
    const things = await build("base");
    const scheduler = containerOf(things, "taskflock-scheduler");
    const ready = await start(scheduler.args, mounted(things, "taskflock-scheduler"), [
      "--port",
      "0",
      "--dashboard-port",
      "0",
    ]);
    const { path, httpHeaders } = scheduler.readinessProbe.httpGet;
    const headers = Object.fromEntries(httpHeaders.map(({ name, value }: Thing) => [name, value]));
    expect(await statusOf(new URL(path, ready.dashboard), headers)).toBe(200);
    expect(await statusOf(new URL(path, ready.dashboard), { Host: "10.0.0.7" })).not.toBe(200); // so the header is needed
    const worker = containerOf(things, "taskflock-workers");
    const args = worker.args.map((arg: string) =>
      arg.replace("taskflock-scheduler:8786", ready.address).replace("/spill", folder),
    );
    await start(args, mounted(things, "taskflock-worker"), ["--threads", "1"]);
    const client = await Client.connect(ready.address, {
      tokenFile: join(secrets, "token"),
      tls: { caFile: join(secrets, "ca.pem") },
    });
    expect(await client.submit((x: number) => x + 1, [1]).result()).toBe(2);
    await client.close();
    // What tasks could read manages nothing.
    const task = await Client.connect(ready.address, {
      tokenFile: join(folder, "taskflock-worker/token"),
      tls: { caFile: join(secrets, "ca.pem") },
    });
    expect(task.identity.role).toBe("worker");
    await task.close();
  });
});

/** A folder that holds what a pod with this secret sees. */
function mounted(things: readonly Thing[], name: string): string {
  const path = join(folder, name);
  mkdirSync(path, { mode: 0o700 });
  const { data } = things.find((thing) => thing.kind === "Secret" && thing.metadata.name === name);
  for (const [key, value] of Object.entries<string>(data))
    writeFileSync(join(path, key), Buffer.from(value, "base64"), { mode: 0o600 });
  return path;
}

/** With the secrets where they are here; resolves with what it says when it is ready. */
async function start(args: readonly string[], where: string, more: readonly string[]): Promise<Thing> {
  const here = args.map((arg) => arg.replace("/run/secrets/taskflock", where));
  const child = spawn(process.execPath, [cli, ...here, ...more, "--ready-fd", "3"], {
    stdio: ["ignore", "inherit", "inherit", "pipe"],
    env: { ...process.env, TASKFLOCK_LOG_LEVEL: "warn" },
  });
  children.push(child);
  const [line] = await once(child.stdio[3]!, "data");
  return JSON.parse(String(line));
}

/** As the kubelet asks: over TLS, whoever signed the certificate. */
function statusOf(url: URL, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { headers, rejectUnauthorized: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).once("error", reject);
  });
}
