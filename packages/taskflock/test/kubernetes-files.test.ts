// What lies in kubernetes/, held against what the command line takes and what must hold in any cluster. Built by kubectl, and its processes
// started: test/infra/kubernetes.test.ts.
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { readFlags } from "../src/cli/flag-table.ts";
import { schedulerFlags } from "../src/cli/scheduler-flags.ts";
import { workerFlags } from "../src/cli/worker-flags.ts";

const root = new URL("../../../kubernetes/", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
// biome-ignore lint/suspicious/noExplicitAny: each kind of thing has other fields
type Thing = any;

const things: Thing[] = ["namespace", "scheduler", "workers", "disruption"].flatMap((name) =>
  parseAllDocuments(read(`base/${name}.yaml`), { merge: true }).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS();
  }),
);
const named = (kind: string, name: string): Thing => {
  const found = things.find((thing) => thing.kind === kind && thing.metadata.name === name);
  expect(found, `${kind} ${name}`).toBeDefined();
  return found;
};
const podOf = (name: string): Thing => named("Deployment", name).spec.template.spec;

test("every file is named by a kustomization, and none that is not there", () => {
  const { resources, patches } = parse(read("base/kustomization.yaml"));
  const files = readdirSync(new URL("base/", root)).filter((name) => name.endsWith(".yaml"));
  expect([...resources, "kustomization.yaml"].toSorted()).toEqual(files.toSorted());
  expect(patches).toBeUndefined();
  const gpu = parse(read("gpu/kustomization.yaml"));
  expect([gpu.resources, gpu.patches]).toEqual([["../base"], [{ path: "workers.yaml" }]]);
});

test("the command line takes what the containers are started with", () => {
  for (const [name, table] of [
    ["taskflock-scheduler", schedulerFlags],
    ["taskflock-workers", workerFlags],
  ] as const) {
    const [, ...args]: string[] = podOf(name).containers[0].args;
    const words = args.flatMap((arg) => arg.split("=")); // as its quick reader wants them
    expect(readFlags(table, words, {}), args.join(" ")).not.toBeNull();
    const env: { name: string }[] = podOf(name).containers[0].env ?? [];
    const known = new Set(table.map(({ variable }) => `TASKFLOCK_${variable}`));
    for (const { name: variable } of env) expect(known.has(variable), variable).toBe(true);
    // Services would become variables of the same names.
    expect(podOf(name).enableServiceLinks).toBe(false);
  }
});

test("pods run as nobody's root, without the cluster's own rights, and see only their own secrets", () => {
  for (const name of ["taskflock-scheduler", "taskflock-workers"]) {
    const { securityContext, automountServiceAccountToken, containers, volumes } = podOf(name);
    expect([automountServiceAccountToken, securityContext.runAsNonRoot, securityContext.runAsUser]).toEqual([
      false,
      true,
      1000,
    ]);
    expect(containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(volumes.find((volume: Thing) => volume.name === "secrets").secret.defaultMode).toBe(0o440);
  }
  const { secretGenerator } = parse(read("base/kustomization.yaml"));
  const [scheduler, worker] = secretGenerator.map(({ files }: Thing) => files.join(" "));
  expect(scheduler).not.toContain("ca-key");
  expect(worker).not.toContain("key");
  // Tasks can read what their worker joined with.
  expect(worker).not.toContain("secrets/token");
  expect(podOf("taskflock-scheduler").containers[0].args.join(" ")).toContain("/taskflock/worker-token");
});

test("probes, budgets and services find what they look for", () => {
  for (const [name, label] of [
    ["taskflock-scheduler", "taskflock-scheduler"],
    ["taskflock-workers", "taskflock-worker"],
  ]) {
    const { selector, template } = named("Deployment", name!).spec;
    expect(template.metadata.labels).toMatchObject(selector.matchLabels);
    expect(selector.matchLabels).toEqual({ "app.kubernetes.io/name": label });
    expect(named("PodDisruptionBudget", name!).spec.selector.matchLabels).toEqual(selector.matchLabels);
    const [{ startupProbe, readinessProbe, livenessProbe }] = podOf(name!).containers;
    for (const probe of [startupProbe, readinessProbe, livenessProbe]) {
      expect(probe.httpGet ?? probe.exec).toEqual(startupProbe.httpGet ?? startupProbe.exec);
    }
  }
  const ports = podOf("taskflock-scheduler").containers[0].ports.map((port: Thing) => [port.name, port.containerPort]);
  const service = named("Service", "taskflock-scheduler").spec;
  expect(service.ports.map((port: Thing) => [port.targetPort, port.port])).toEqual(ports);
  expect(podOf("taskflock-workers").containers[0].args[1]).toBe("taskflock-scheduler:8786");
  // A worker retires on SIGTERM, which takes as long as tasks do; Kubernetes' own 30 seconds are too short.
  expect(podOf("taskflock-workers").terminationGracePeriodSeconds).toBeGreaterThanOrEqual(120);
});
