// terraform/examples/spot-gpu, applied, changed and destroyed by the real provider, with an emulator where AWS would be.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { root } from "../tidy/tree.ts";
import { AwsEmulator } from "./aws-emulator/index.ts";
import { findTerraform, makeCertificates, type Ran, Terraform } from "./terraform-program.ts";

const found = findTerraform();
if (typeof found === "string") console.log(`skipped: ${found}`);
const terraform = found as Terraform;
const example = "examples/spot-gpu";
const who = ["contact=ada@example.com", "department=research"];
const hour = 3_600_000;

let aws: AwsEmulator;

beforeAll(async () => {
  if (!(found instanceof Terraform)) return;
  makeCertificates(terraform, example);
  expect(await terraform.init(example)).toMatchObject({ code: 0 });
});

afterAll(async () => {
  await aws?.[Symbol.asyncDispose]();
  if (found instanceof Terraform) rmSync(found.folder, { recursive: true });
});

const run = (command: string, flag: string, variables: readonly string[]): Promise<Ran> => {
  const given = [...who, ...variables].map((variable) => `-var=${variable}`);
  return terraform.run(example, [command, "-no-color", "-input=false", flag, ...given], aws.env);
};

async function must(command: "apply" | "destroy", ...variables: string[]): Promise<void> {
  const { code, output } = await run(command, "-auto-approve", variables);
  expect(code, output).toBe(0);
  await aws.settled();
  expect(aws.unknown).toEqual([]);
}

/** That there is nothing left to do: neither forgotten nor seen otherwise than it was asked for. */
async function nothingToDo(...variables: string[]): Promise<void> {
  const { code, output } = await run("plan", "-detailed-exitcode", variables);
  expect(code, output).toBe(0);
}

const workers = () =>
  [...aws.world.instances.values()].filter(({ group, state }) => group !== undefined && state === "running");
const parameter = (name: string) => aws.world.parameters.get(`/taskflock/taskflock-default/${name}`)?.value;

describe.skipIf(typeof found === "string")("the example with its defaults", () => {
  const key = `ssh_public_key_file=${join(root, "terraform/tests/key.pub")}`;

  beforeAll(async () => {
    aws = await AwsEmulator.start();
  });

  test("is applied, and then there is nothing to do", async () => {
    await must("apply", key);
    await nothingToDo(key);
    expect(workers().map(({ options }) => [options.instanceType, options.isSpot, options.hopLimit])).toEqual([
      ["g4dn.xlarge", true, 2],
      ["g4dn.xlarge", true, 2],
    ]);
    expect(new Set(workers().map(({ options }) => options.subnet)).size).toBe(2);
    for (const { options, tags, volume } of aws.world.instances.values()) {
      expect(options).toMatchObject({ disk: { encrypted: true, type: "gp3" }, shutdownBehavior: "terminate" });
      for (const all of [tags, volume.tags]) {
        expect(Object.fromEntries(all)).toMatchObject({ contact: "ada@example.com", cluster: "taskflock-default" });
      }
    }
  });

  test("keeps its secrets in Parameter Store alone", () => {
    const state = readFileSync(join(terraform.folder, example, "terraform.tfstate"), "utf8");
    const [, line = ""] = parameter("scheduler-key.pem")?.split("\n") ?? [];
    expect(line.length).toBeGreaterThan(60);
    expect(parameter("token")).toMatch(/^\w{43}$/);
    const userData = [...aws.world.instances.values()].map(({ options }) => atob(options.userData));
    for (const secret of [line, parameter("token") ?? ""]) {
      for (const text of [state, ...userData]) expect(text).not.toContain(secret);
    }
    expect([...aws.world.parameters.values()].map(({ type }) => type)).toEqual(Array(4).fill("SecureString"));
  });

  test("follows the number of workers, and a new version of the token is another one", async () => {
    const [before] = workers();
    const token = parameter("token");
    await must("apply", key, "workers_num=3", "token_version=2");
    expect(workers()).toHaveLength(3);
    expect(workers()[0]).toBe(before);
    expect(parameter("token")).toMatch(/^\w{43}$/);
    expect(parameter("token")).not.toBe(token);
  });

  test("replaces all workers when what they boot with changes", async () => {
    const before = workers().map(({ id }) => id);
    const changed = [key, "workers_num=3", "token_version=2", "image_tag=0.2.0-gpu"];
    await must("apply", ...changed);
    expect(aws.asked).toContain("autoscaling:StartInstanceRefresh");
    const after = workers();
    expect(after.filter(({ id }) => before.includes(id))).toEqual([]);
    expect(after.map(({ options }) => atob(options.userData).includes(":0.2.0-gpu'"))).toEqual([true, true, true]);
    await nothingToDo(...changed);
  });

  test("has no workers any more when it has expired, whoever forgot it", async () => {
    aws.advance(2 * hour);
    expect(workers()).toHaveLength(3);
    aws.advance(hour);
    await aws.settled();
    expect(workers()).toEqual([]);
    const [group] = aws.world.groups.values();
    expect(group).toMatchObject({ min: 0, max: 0, desired: 0 });
  });

  test("is destroyed, and nothing is left", async () => {
    await must("destroy", key);
    expect(aws.left()).toEqual([]);
  });
});

describe.skipIf(typeof found === "string")("the example with what there is already", () => {
  const given = [
    ...["subnet=subnet-0a0000000000000a0", "scheduler_private_ip=10.0.1.77", "security_group=sg-0123456789abcdef0"],
    ...["docker_registry=registry.example.com/team/taskflock", "spot_price=0.25", "scheduler_price=0.05", "max_cost=5"],
    ...["admin_cidrs=[]", "cluster_expiration=1h30m", "alternative_instance_types=[]", "instance_type=c7i.xlarge"],
  ];

  beforeEach(async () => {
    await aws?.[Symbol.asyncDispose]();
    aws = await AwsEmulator.start();
  });

  test("uses it, and lets it be when it is destroyed", async () => {
    await must("apply", ...given);
    await nothingToDo(...given);
    expect(aws.world.repositories.size + aws.world.keyPairs.size).toBe(0);
    expect(aws.world.securityGroups.size).toBe(1);
    const [scheduler, ...others] = aws.world.instances.values();
    expect(scheduler).toMatchObject({ privateIp: "10.0.1.77", options: { isSpot: false } });
    for (const { options } of others) {
      expect(options.subnet).toBe("subnet-0a0000000000000a0");
      expect(atob(options.userData)).toContain("SCHEDULER_ADDRESS='wss://10.0.1.77:8786'");
    }
    await must("destroy", ...given);
    expect(aws.left()).toEqual([]);
  });
});
