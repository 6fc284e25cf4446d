// terraform/examples/spot-gpu on machines that boot: what the module gives instances as user data is run by a real cloud-init, systemd,
// Docker and AWS CLI, in containers that stand for instances. AWS itself is the emulator.
import { rmSync } from "node:fs";
import { Client, loadDigits, svc } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../tidy/tree.ts";
import { AwsEmulator } from "./aws-emulator/index.ts";
import { buildAmi } from "./aws-machines/ami.ts";
import { Containers } from "./aws-machines/containers.ts";
import { MachinesNetwork } from "./aws-machines/machines-network.ts";
import { MetadataServer } from "./aws-machines/metadata.ts";
import { type DockerEngine, dockerEngine, until } from "./docker-engine.ts";
import { nodeBase } from "./node-base.ts";
import { RegistryServer } from "./registry-server.ts";
import { findTerraform, makeCertificates, type Terraform } from "./terraform-program.ts";

const example = "examples/spot-gpu";
const image = "taskflock-test:cpu";
const network = "10.91";
const registryHost = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
const password = `ecr-${process.pid}`;
const hopLimit = 2;
const endpointPort = 4566;

let why: string | null = null;
let engine: DockerEngine;
let terraform: Terraform;
let registry: RegistryServer;
let machines: MachinesNetwork;
let metadata: MetadataServer;
let hardware: Containers;
let aws: AwsEmulator;

/** All that the test stands on; or why it cannot, in a line. */
async function standUp(): Promise<string | null> {
  const found = findTerraform();
  if (typeof found === "string") return found;
  terraform = found;
  const docker = await dockerEngine();
  if (typeof docker === "string") return docker;
  engine = docker;
  const missing = await nodeBase(engine);
  if (missing !== null) return missing;
  const started = await RegistryServer.start("AWS", password);
  if (typeof started === "string") return started;
  registry = started;
  machines = await MachinesNetwork.open(engine, network, hopLimit);
  hardware = new Containers(engine, { network: machines.name, gateway: machines.gateway, registry: registryHost });
  aws = await AwsEmulator.start({ network, hardware, registry: { host: registryHost, password } });
  metadata = await MetadataServer.start(aws.world);
  await machines.lead(80, Number(registry.address.split(":")[1]));
  await machines.lead(endpointPort, aws.port);
  await buildAmi(engine, { endpoint: `http://${machines.gateway}:${endpointPort}`, registry: registryHost });
  await engine.must(["build", "--quiet", "--file", "docker/Dockerfile", "--target", "cpu", "--tag", image, "."], {
    cwd: root,
  });
  return null;
}

beforeAll(async () => {
  why = await standUp();
  if (why !== null) console.log(`skipped: ${why}`);
});

afterAll(async () => {
  await aws?.[Symbol.asyncDispose]();
  await metadata?.close();
  await machines?.close();
  await registry?.stop();
  await engine?.stop();
  if (terraform !== undefined) rmSync(terraform.folder, { recursive: true });
});

async function apply(command: "apply" | "destroy", ...variables: string[]): Promise<void> {
  const given = ["contact=ada@example.com", "department=research", ...variables].map((variable) => `-var=${variable}`);
  const flags = ["-no-color", "-input=false", "-auto-approve"];
  const { code, output: said } = await terraform.run(example, [command, ...flags, ...given], aws.env);
  expect(code, said).toBe(0);
}

async function output<T>(name: string): Promise<T> {
  const { stdout } = await terraform.run(example, ["output", "-json", name]);
  return JSON.parse(stdout) as T;
}

/** Ids of the workers' instances that are not over. */
function workerInstances(): string[] {
  const up = [...aws.world.instances.values()].filter(({ group, state }) => group !== undefined && state === "running");
  return up.map(({ id }) => id);
}

async function workersAre(client: Client, ids: readonly string[]): Promise<void> {
  const names = async (): Promise<string[]> => (await client.workers()).map(({ name }) => name.slice(0, 19)).sort();
  const wanted = [...ids].sort();
  await until(
    async () => JSON.stringify(await names()) === JSON.stringify(wanted),
    async () =>
      `${wanted} and not ${await names()}:\n${(await Promise.all(wanted.map((id) => hardware.journal(id)))).join("\n")}`,
    300_000,
  );
}

describe("the example, booted", () => {
  let scheduler = "";
  let client: Client;

  afterAll(async () => {
    await client?.close().catch(() => {});
  });

  test("first the scheduler, which waits for its image; with it, it comes up", async ({ skip }) => {
    skip(why !== null, why ?? "");
    expect(await terraform.init(example)).toMatchObject({ code: 0 });
    const caFile = makeCertificates(terraform, example);
    await apply("apply", "workers_num=0", "workers_max=3");
    ({ instance_id: scheduler } = await output<{ instance_id: string }>("scheduler_info"));
    const local = `${registry.address}/${(await output<string>("image")).split("/")[1]}`;
    await engine.must(["tag", image, local]);
    await engine.must(["login", "--username", "AWS", "--password-stdin", registry.address], { input: password });
    await engine.must(["push", "--quiet", local]);

    const { value: token } = aws.world.parameters.get(await output<string>("token_parameter")) ?? { value: "" };
    const { address } = await output<{ address: string }>("scheduler_info");
    const options = { token, tls: { caFile } };
    const connect = async (): Promise<boolean> => {
      const connected = await Client.connect(address, options).catch(() => null);
      if (connected !== null) client = connected;
      return connected !== null;
    };
    await until(connect, () => hardware.journal(scheduler), 300_000);
  });

  test("workers join under their instances' names, and a search goes over both", async ({ skip }) => {
    skip(why !== null, why ?? "");
    await apply("apply", "workers_num=2", "workers_max=3");
    await aws.settled();
    await workersAre(client, workerInstances());
    const { data, target } = loadDigits();
    const params = { C: [1e-4, 1, 1e4], gamma: [1e-3, 1, 1e3] };
    const search = client.gridSearch({ estimator: svc({ kernel: "rbf" }), params, X: data, y: target, cv: 3 });
    expect((await search.result()).bestParams).toMatchObject({ gamma: 1e-3 });
    expect((await client.workers()).filter(({ finished }) => finished > 0)).toHaveLength(2);
  });

  test("destroy leaves nothing", async ({ skip }) => {
    skip(why !== null, why ?? "");
    await client.close();
    await apply("destroy", "workers_num=2", "workers_max=3");
    await aws.settled();
    expect(aws.left()).toEqual([]);
    expect(await hardware.left()).toEqual([]);
  });
});
