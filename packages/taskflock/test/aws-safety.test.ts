// What would cost somebody machines, or work: the wrong region, the wrong machine, a Terraform that dies with its state.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import * as sdk from "@aws-sdk/client-auto-scaling";
import * as ec2 from "@aws-sdk/client-ec2";
import * as ssm from "@aws-sdk/client-ssm";
import type { Client } from "@taskflock/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AwsClients } from "../src/aws/clients.ts";
import { AwsStack } from "../src/aws/cluster.ts";
import { tellLogs } from "../src/aws/reach.ts";
import { type ResizeParts, rollWorkers, scaleTo } from "../src/aws/resize.ts";
import { Terraform } from "../src/aws/terraform.ts";
import { AwsCluster } from "../src/aws-cluster.ts";

const needed = { contact: "ada@example.com", department: "research" };

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "taskflock-aws-"));
  vi.stubEnv("XDG_STATE_HOME", folder);
  for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION"]) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const silent = (): void => undefined;

test("a cluster stays in the region where it was started, whatever the environment says later", () => {
  vi.stubEnv("AWS_REGION", "eu-west-1");
  const started = new AwsStack(needed, silent);
  started.stack.saveProfile(started.said);
  vi.stubEnv("AWS_REGION", "us-west-2");
  expect(AwsStack.of(started.stack, silent).profile.region).toBe("eu-west-1");
  const again = new AwsStack(needed, silent);
  expect([again.profile.region, again.aws.region]).toEqual(["eu-west-1", "eu-west-1"]);
  expect(() => new AwsStack({ ...needed, region: "us-west-2" }, silent)).toThrow(/is in eu-west-1, not in "us-west-2"/);
  expect(new AwsStack({ ...needed, clusterName: "other" }, silent).profile.region).toBe("us-west-2");
});

test.each(["", "..", "../digits", "Digits"])("%j names no folder of a cluster", (clusterName) => {
  expect(() => new AwsStack({ ...needed, clusterName }, silent)).toThrow(/is no clusterName/);
});

test("AwsCluster refuses options that would bound nothing, or that it has not", async () => {
  const start = (options: object) => AwsCluster.start({ profile: needed, ...options });
  const refused = (what: string) => ({ code: "FLOCK_OPTION_INVALID", message: expect.stringContaining(what) });
  for (const maxCostPerHour of ["2", "cheap", Number.NaN, 0, null])
    await expect(start({ maxCostPerHour })).rejects.toMatchObject(refused("maxCostPerHour takes a number of USD"));
  await expect(start({ maxCostPerHours: 2 })).rejects.toMatchObject(refused("Did you mean maxCostPerHour?"));
  await expect(start({ timeoutMs: "1" })).rejects.toMatchObject(refused("timeoutMs takes"));
  await expect(AwsCluster.attach("digits" as never)).rejects.toMatchObject(refused("options must be an object"));
});

/** An Auto Scaling group with machines that are there, which `tick` brings nearer to what is wanted; AWS chooses what it ends. */
class Group {
  desired: number;
  max: number;
  ids: string[];
  readonly chosenByAws: string[] = [];

  constructor(ids: readonly string[], desired: number, max: number) {
    [this.ids, this.desired, this.max] = [[...ids], desired, max];
  }

  tick(): void {
    this.chosenByAws.push(...this.ids.splice(this.desired));
  }

  parts(whenRetired: () => void): ResizeParts {
    const send = async (command: { readonly input: object }): Promise<object> => this.#answer(command);
    const aws = { autoScaling: async () => ({ sdk, client: { send } }), ask: (_: string, ask: () => unknown) => ask() };
    const gone = new Set<string>();
    const client = {
      workers: async () =>
        this.ids.filter((name) => !gone.has(name)).map((name) => ({ name, running: 1, assigned: 1, storedBytes: 0 })),
      scaling: { advice: async () => ({ mayGo: [] }) },
      retireWorkers: async (names: readonly string[]) => {
        whenRetired();
        for (const name of names) gone.add(name);
      },
    };
    return {
      ...{ aws: aws as unknown as AwsClients, client: client as unknown as Client },
      ...{ group: "g", say: silent, retireMs: 60_000 },
    };
  }

  #answer({ input }: { readonly input: object }): object {
    const { DesiredCapacity, MaxSize, InstanceId } = input as Record<string, never>;
    if (DesiredCapacity !== undefined) this.desired = DesiredCapacity;
    if (MaxSize !== undefined) {
      this.max = MaxSize;
      this.desired = Math.min(this.desired, this.max);
    }
    if (InstanceId !== undefined) {
      this.ids = this.ids.filter((id) => id !== InstanceId);
      this.desired--;
    }
    this.tick();
    const Instances = this.ids.map((id) => ({
      InstanceId: id,
      LifecycleState: "InService",
      LaunchTemplate: { Version: "1" },
    }));
    const LaunchTemplate = { Version: "2" };
    const group = { DesiredCapacity: this.desired, MaxSize: this.max, Instances, LaunchTemplate };
    return { AutoScalingGroups: [group] };
  }
}

test("scaling down, machines that could not start before do not come in the middle and are ended for another", async () => {
  const group = new Group(["i-1", "i-2"], 4, 4);
  const parts = group.parts(() => {
    for (let id = 3; group.ids.length < group.desired; id++) group.ids.push(`i-${id}`); // there is capacity again
  });
  await scaleTo(parts, 1);
  expect(group.desired).toBe(1);
  expect(group.chosenByAws).toEqual([]);
});

test("a roll that comes to nothing leaves the choice of what ends to nobody", async () => {
  const group = new Group(["i-1", "i-2"], 2, 2);
  const never = rollWorkers(group.parts(silent), async () => {
    group.ids.push("i-3"); // it started, and does not join
    throw new Error("it did not join");
  });
  await expect(never).rejects.toThrow("it did not join");
  expect(group.chosenByAws).toEqual([]);
  expect(group.ids).toEqual(["i-1", "i-2", "i-3"]);
});

test("logs of all machines go on where one does not answer yet", async () => {
  const Instances = ["i-1", "i-2"].map((InstanceId) => ({ InstanceId, State: { Name: "running" }, Placement: {} }));
  const send = async ({ input }: { readonly input: { readonly InstanceIds?: readonly string[] } }): Promise<object> => {
    if (input.InstanceIds?.[0] === "i-1")
      throw Object.assign(new Error("not in a valid state"), { name: "InvalidInstanceId" });
    if (input.InstanceIds !== undefined) return { Command: { CommandId: "c" } };
    return { Reservations: [{ Instances }], Status: "Success", StandardOutputContent: "joined\n" };
  };
  const aws = new AwsClients("us-east-1");
  vi.spyOn(aws, "ec2").mockResolvedValue({ sdk: ec2, client: { send } } as never);
  vi.spyOn(aws, "ssm").mockResolvedValue({ sdk: ssm, client: { send } } as never);
  const said: string[] = [];
  const cluster = { aws, tag: "digits-default", say: (line: string) => said.push(line) } as unknown as AwsStack;
  const options = { lines: 5, follow: false, signal: new AbortController().signal };
  await tellLogs(cluster, { ...options, nodes: [] });
  expect(said).toEqual([expect.stringMatching(/^i-1 {2}.*InvalidInstanceId/), "i-2  joined"]);
  await expect(tellLogs(cluster, { ...options, nodes: ["i-1"] })).rejects.toMatchObject({ code: "FLOCK_AWS_FAILED" });
});

test("Ctrl-C, however often, is told to Terraform once, and waits for it", async () => {
  const [bin, go] = [join(folder, "bin"), join(folder, "go")];
  mkdirSync(bin);
  const lines = ["#!/bin/sh", "n=0; trap 'n=$((n+1)); echo heard $n' INT", "echo ready >ready"];
  const wait = `while [ ! -e "${go}" ]; do sleep 0.02; done`;
  writeFileSync(join(bin, "terraform"), [...lines, wait, "echo ended"].join("\n"));
  chmodSync(join(bin, "terraform"), 0o755);
  vi.stubEnv("PATH", `${bin}${delimiter}${process.env["PATH"]}`);
  const before = new Set(process.rawListeners("SIGINT"));
  const running = new Terraform({ folder, env: {}, say: silent }).run(["apply"]);
  const ours = (): readonly unknown[] => process.rawListeners("SIGINT").filter((one) => !before.has(one));
  await vi.waitFor(() => readFileSync(join(folder, "ready")));
  for (const listener of ours()) (listener as () => void)();
  for (const listener of ours()) (listener as () => void)();
  expect(ours().length).toBe(1);
  writeFileSync(go, "");
  expect((await running).stdout).toBe("heard 1\nended\n");
  expect(ours()).toEqual([]);
});
