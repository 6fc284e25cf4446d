// terraform/examples/spot-gpu, applied, changed and destroyed by the real provider, with an emulator where AWS would be.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../tidy/tree.ts";
import { AwsEmulator } from "./aws-emulator/index.ts";
import { findTerraform, makeCertificates, type Ran, Terraform } from "./terraform-program.ts";

const found = findTerraform();
if (typeof found === "string") console.log(`skipped: ${found}`);
const terraform = found as Terraform;
const example = "examples/spot-gpu";
const who = ["contact=ada@example.com", "department=research"];

afterAll(() => {
  if (found instanceof Terraform) rmSync(found.folder, { recursive: true });
});

describe.skipIf(typeof found === "string")("the example, applied", () => {
  let aws: AwsEmulator;

  beforeAll(async () => {
    aws = await AwsEmulator.start();
    makeCertificates(terraform, example);
    expect(await terraform.init(example)).toMatchObject({ code: 0 });
  });

  afterAll(() => aws?.[Symbol.asyncDispose]());

  const run = async (command: string, ...variables: string[]): Promise<Ran> => {
    const flags = ["-no-color", "-input=false", ...(command === "plan" ? ["-detailed-exitcode"] : ["-auto-approve"])];
    const given = [...who, ...variables].map((variable) => `-var=${variable}`);
    return terraform.run(example, [command, ...flags, ...given], aws.env);
  };
  const must = async (command: string, ...variables: string[]): Promise<Ran> => {
    const ran = await run(command, ...variables);
    expect(ran).toMatchObject({ code: 0 });
    return ran;
  };

  test("makes what it says, and a second time nothing", async () => {
    const key = `ssh_public_key_file=${join(root, "terraform/tests/key.pub")}`;
    await must("apply", key);
    await aws.settled();
    expect(aws.unknown).toEqual([]);
    const again = await run("plan", key);
    expect(again).toMatchObject({ code: 0 });
    await must("apply", key, "workers_num=3");
    await must("destroy", key);
    expect(aws.left()).toEqual([]);
  });
});
