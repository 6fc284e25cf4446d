// docs/metrics.md says what /metrics serves: every name, its type, its labels and what it means.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, LocalCluster } from "taskflock";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { installNvidiaSmi, TWO_H200 } from "./nvidia-smi.ts";

// Workers with GPUs have more to tell.
const folder = mkdtempSync(join(tmpdir(), "taskflock-"));
const PATH = installNvidiaSmi(folder, TWO_H200);

interface Metric {
  type: string;
  help: string;
  readonly labels: Set<string>;
  readonly values: number[];
}

let cluster: LocalCluster;
let client: Client;
let served: ReadonlyMap<string, Metric>;
beforeAll(async () => {
  cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 2, gpus: 2, env: { PATH } });
  client = await cluster.connect();
  await client.gather(client.map((x: number) => x + 1, [1, 2, 3]));
  const known = async (): Promise<boolean> => (await client.workers())[0]?.metrics?.gpus[1]?.utilization === 0;
  await vi.waitUntil(known, { timeout: 20_000 });
  served = parse(await (await fetch(`${new URL(cluster.dashboardUrl).origin}/metrics`)).text());
}, 60_000);
afterAll(async () => {
  await client?.close();
  await cluster?.close();
  rmSync(folder, { recursive: true });
});

/** The text format of Prometheus. */
function parse(text: string): Map<string, Metric> {
  const metrics = new Map<string, Metric>();
  const of = (name: string): Metric => {
    const known = metrics.get(name) ?? { type: "", help: "", labels: new Set(), values: [] };
    metrics.set(name, known);
    return known;
  };
  for (const line of text.split("\n")) {
    const [, kind, name, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === "HELP") of(name!).help = rest!;
    else if (kind === "TYPE") of(name!).type = rest!;
    else if (line !== "") {
      const [, sample, labels = "", value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      for (const [, label] of labels.matchAll(/(\w+)="/g)) of(sample!).labels.add(label!);
      of(sample!).values.push(Number(value));
    }
  }
  return metrics;
}

function row([name, { type, labels, help }]: readonly [string, Metric]): string {
  const shown = labels.size === 0 ? "–" : [...labels].map((label) => `\`${label}\``).join(", ");
  return `| \`${name}\` | ${type} | ${unitOf(name)} | ${shown} | ${help} |`;
}

/** By Prometheus's rule, the name ends in it. */
function unitOf(name: string): string {
  const base = name.replace(/_total$/, "");
  const unit = ["bytes", "seconds", "cores"].find((one) => base.endsWith(`_${one}`));
  return unit ?? "number";
}

test("the table has a row for each metric that is served, and no other", () => {
  const page = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| `taskflock_"));
  expect(rows).toEqual([...served].map(row));
});

test("names have their rooms, counters end in _total, every value is a number, and all has a meaning", () => {
  for (const [name, { type, help, values }] of served) {
    expect(name).toMatch(/^taskflock_(scheduler|worker)_[a-z_]+$/);
    expect(name.endsWith("_total")).toBe(type === "counter");
    expect(help).toMatch(/^[A-Z0-9].*\.$/);
    expect(values.every(Number.isFinite), name).toBe(true);
    expect(values.length, name).toBeGreaterThan(0);
  }
});

test("workers are there by name, with their resources and what they did", () => {
  const of = (name: string): Metric => served.get(`taskflock_worker_${name}`)!;
  expect(of("slots").values).toEqual([2]);
  expect(of("tasks_finished_total").values).toEqual([3]);
  expect([...of("resource").labels]).toEqual(["worker", "resource"]);
  expect(of("resource").values).toEqual([2]);
  expect(of("resident_memory_bytes").values[0]).toBeGreaterThan(10_000_000);
});
