// The Terraform module and its example: formatted, valid, tested with a mock of AWS, planned with the real provider, and what machines boot with.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { root } from "../tidy/tree.ts";
import { type AwsReads, secretToken, startAwsReads } from "./aws-reads.ts";
import { findTerraform, has, runHere, Terraform } from "./terraform-program.ts";

const found = findTerraform();
if (typeof found === "string") console.log(`skipped: ${found}`);
const terraform = found as Terraform;
const example = "examples/spot-gpu";

afterAll(() => {
  if (found instanceof Terraform) rmSync(found.folder, { recursive: true });
});

/** A line of `terraform test -json`. */
interface Line {
  readonly type: string;
  readonly "@testrun"?: string;
  readonly test_run?: { readonly progress: string; readonly run: string; readonly status: string };
  readonly test_state?: { readonly root_module: { readonly resources: readonly Resource[] } };
}

interface Resource {
  readonly address: string;
  readonly type: string;
  readonly values: Readonly<Record<string, unknown>>;
}

interface Plan {
  readonly planned_values: {
    readonly outputs: Readonly<Record<string, unknown>>;
    readonly root_module: { readonly child_modules: readonly { readonly resources: readonly Resource[] }[] };
  };
}

async function runTests(...flags: string[]): Promise<readonly Line[]> {
  const { stdout } = await terraform.run(".", ["test", "-json", ...flags]);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

/** By role, as the run's machines would get it. */
function userDataOf(lines: readonly Line[], run: string): Record<"scheduler" | "worker", string> {
  const resources = lines.find((line) => line.type === "test_state" && line["@testrun"] === run)?.test_state;
  const text = (address: string) =>
    String(resources?.root_module.resources.find((resource) => resource.address === address)?.values["user_data"]);
  return {
    scheduler: text("aws_instance.scheduler"),
    worker: Buffer.from(text("aws_launch_template.worker"), "base64").toString(),
  };
}

describe.skipIf(typeof found === "string")("terraform/", () => {
  test("is formatted", async () => {
    expect(await terraform.run(".", ["fmt", "-check", "-recursive", "-diff"])).toMatchObject({ code: 0, stdout: "" });
  });

  test("is valid, the module and the example", async () => {
    for (const folder of [".", example]) {
      expect(await terraform.init(folder)).toMatchObject({ code: 0 });
      expect(await terraform.run(folder, ["validate", "-no-color"])).toMatchObject({ code: 0 });
    }
  });

  test("passes its own tests", async () => {
    const lines = await runTests();
    const runs = lines.flatMap(({ test_run: run }) => (run?.progress === "complete" ? [run] : []));
    expect(runs.filter(({ status }) => status !== "pass")).toEqual([]);
    const names = readdirSync(join(root, "terraform/tests")).filter((name) => name.endsWith(".tftest.hcl"));
    const written = names.flatMap((name) => [...readHcl("tests", name).matchAll(/^run "/gm)]);
    expect(runs).toHaveLength(written.length);
  }, 900_000);

  test("has machines boot with what shellcheck and cloud-init accept", async () => {
    await terraform.init(".");
    // Of plans, which the other tests make, each would be many megabytes.
    const lines = await runTests("-verbose", "-filter=tests/user_data.tftest.hcl");
    for (const run of ["defaults", "everything_given"]) {
      for (const [role, text] of Object.entries(userDataOf(lines, run))) checkUserData(`${run} ${role}`, text);
    }
  });
});

function readHcl(...path: string[]): string {
  return readFileSync(join(root, "terraform", ...path), "utf8");
}

interface CloudConfig {
  readonly write_files: readonly { readonly path: string; readonly permissions: string; readonly content: string }[];
  readonly runcmd: readonly (readonly string[])[];
}

function checkUserData(name: string, text: string): void {
  expect(text, name).toMatch(/^#cloud-config\n/);
  const config = parse(text) as CloudConfig;
  expect(Object.keys(config), name).toEqual(["write_files", "runcmd"]); // cloud-init's schema lets others pass
  for (const { path, content, permissions } of config.write_files) {
    const original = readHclTemplate(path);
    if (original !== undefined) expect(content.trimEnd(), path).toBe(original.trimEnd());
    if (permissions !== "0755") continue;
    const file = join(terraform.folder, "script.sh");
    writeFileSync(file, content);
    expect(runHere("bash", ["-n", file]), path).toMatchObject({ status: 0, stderr: "" });
    if (has("shellcheck")) expect(runHere("shellcheck", [file]), path).toMatchObject({ status: 0, stdout: "" });
  }
  const started = config.runcmd.map((words) => words.at(-1));
  expect(started, name).toEqual(expect.arrayContaining(["taskflock.service", "taskflock-expire.service"]));
  const file = join(terraform.folder, "user-data.yaml");
  writeFileSync(file, text);
  if (has("cloud-init")) {
    expect(runHere("cloud-init", ["schema", "--config-file", file]), name).toMatchObject({ status: 0 });
  }
}

/** The file that it was made from, where it is one. */
function readHclTemplate(path: string): string | undefined {
  const name = path.split("/").at(-1) ?? "";
  return readdirSync(join(root, "terraform/templates")).includes(name) ? readHcl("templates", name) : undefined;
}

describe.skipIf(typeof found === "string")("the example, planned with the real provider", () => {
  const credentials = { AWS_ACCESS_KEY_ID: "none", AWS_SECRET_ACCESS_KEY: "none", AWS_EC2_METADATA_DISABLED: "true" };
  const plan = (aws: AwsReads, ...variables: string[]) =>
    terraform.run(
      example,
      ["plan", "-no-color", "-input=false", "-out=plan", ...variables.map((variable) => `-var=${variable}`)],
      { ...credentials, AWS_ENDPOINT_URL: aws.url, AWS_MAX_ATTEMPTS: "1" },
    );
  const who = ["contact=ada@example.com", "department=research", "region=eu-central-1"];

  test("makes what the docs say, for the caller alone, and its token and keys are in no plan", async () => {
    await using aws = await startAwsReads();
    await terraform.init(example);
    const certificates = join(terraform.folder, example, "certs");
    const made = runHere(process.execPath, [
      join(root, "packages/taskflock/dist/cli.js"),
      "certs",
      "init",
      certificates,
    ]);
    expect(made).toMatchObject({ status: 0, stderr: "" });
    const key = `ssh_public_key_file=${join(root, "terraform/tests/key.pub")}`;
    const planned = await plan(aws, ...who, key, "spot_price=0.3", "scheduler_price=0.05", "max_cost=10");
    expect(planned).toMatchObject({ code: 0 });
    expect(aws.asked).toContain("GetRandomPassword");

    const { stdout } = await terraform.run(example, ["show", "-json", "plan"]);
    expect(stdout).not.toContain(secretToken);
    for (const name of ["scheduler-key.pem", "ca-key.pem"]) {
      const [, line = ""] = readFileSync(join(certificates, name), "utf8").split("\n");
      expect(line.length, name).toBeGreaterThan(60);
      expect(`${planned.output}${stdout}`, name).not.toContain(line);
    }
    const { planned_values: values } = JSON.parse(stdout) as Plan;
    const names = ["scheduler_info", "workers_info", "scheduler_status", "image", "token_parameter", "expires_at"];
    expect(Object.keys(values.outputs)).toEqual(expect.arrayContaining(names));
    const resources = values.root_module.child_modules.flatMap((module) => module.resources);
    const rules = resources.filter(({ type }) => type === "aws_vpc_security_group_ingress_rule");
    const open = rules.filter((rule) => rule.values["cidr_ipv4"] !== null || rule.values["cidr_ipv6"] !== null);
    const opened = open.map((rule) => [rule.values["cidr_ipv4"], rule.values["from_port"], rule.values["to_port"]]);
    expect(opened.toSorted()).toEqual([22, 8786, 8787].map((port) => ["203.0.113.7/32", port, port]));
    const group = resources.find(({ type }) => type === "aws_autoscaling_group")?.values;
    expect(group).toMatchObject({ desired_capacity: 2, max_size: 2, capacity_rebalance: true });
  });

  test("refuses, with what to do about it, to start without certificates", async () => {
    await using aws = await startAwsReads();
    await terraform.init(example);
    const bare = await plan(aws, ...who, "certificates=nowhere");
    expect(bare.code).toBe(1);
    expect(bare.output.replace(/\s+/g, " ")).toContain("after: taskflock certs init certs");
  });

  test("refuses, with what to do about it, what would cost too much", async () => {
    await using aws = await startAwsReads();
    const dear = await plan(aws, ...who, "spot_price=2", "scheduler_price=0.05", "max_cost=10");
    expect(dear.code).toBe(1);
    expect(dear.output.replace(/\s+/g, " ")).toContain(
      "This could cost 12.15 USD in 3h (2 workers and the scheduler), and max_cost is 10.00: start fewer workers",
    );
  });
});

describe("variables", () => {
  const variablesOf = (...path: string[]) =>
    [...readHcl(...path).matchAll(/^variable "(\w+)" \{\n([\s\S]*?)\n\}$/gm)].map(([, name = "", body = ""]) => ({
      name,
      body,
    }));
  const module = [...variablesOf("variables.tf"), ...variablesOf("variables-access.tf")];
  const ours = variablesOf(example, "variables.tf");

  test.each([...module, ...ours])("$name says what it is and what it takes", ({ body }) => {
    expect(body).toMatch(/^ {2}description = ".{10,}"$/m);
    expect(body).toMatch(/validation \{\n {4}condition {5}= .+\n {4}error_message = ".{30,}"/);
  });

  test("those of the talk are there, under names that the docs give", () => {
    const page = readFileSync(join(root, "docs/deploy-aws.md"), "utf8");
    const rows = [...page.matchAll(/^\| `(\w+)` \| `(\w+)` \|/gm)].map(([, talk = "", name = ""]) => ({ talk, name }));
    expect(rows.map(({ talk }) => talk)).toEqual([
      ...["instanceType", "spotPrice", "workersNum", "contact", "department", "subnet", "securityGroup"],
      ...["schedulerPrivateIp", "dockerRegistry"],
    ]);
    for (const { talk, name } of rows) {
      expect(name).toBe(talk.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
      expect([module, ours].map((all) => all.some((variable) => variable.name === name))).toEqual([true, true]);
    }
  });

  test("the example has the module's, and region", () => {
    const own = ours.filter(({ name }) => !module.some((variable) => variable.name === name));
    expect(own.map(({ name }) => name)).toEqual(["region"]);
  });
});
