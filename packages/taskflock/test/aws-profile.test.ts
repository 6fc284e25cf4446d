// Profiles, what Terraform is told, plans and costs: the parts of `taskflock aws` that ask nobody.

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { quotaNeeds } from "../src/aws/account.ts";
import { knownKeys } from "../src/aws/cluster.ts";
import { clusterCost, costOf, HOUR_MS, hoursOf, type MachineLife, runCosts } from "../src/aws/cost.ts";
import { hintFor } from "../src/aws/joining.ts";
import { endIn, type Machine } from "../src/aws/machines.ts";
import { countsLine, summarise } from "../src/aws/plan.ts";
import { offersIn, onDemandIn } from "../src/aws/prices.ts";
import {
  type Complete,
  checkProfile,
  completeProfile,
  differing,
  readProfile,
  readSetting,
  typesOf,
} from "../src/aws/profile.ts";
import { journalCommand, journalIn, shellOn } from "../src/aws/reach.ts";
import { grownTo, idlestFirst, outdated } from "../src/aws/resize.ts";
import { configuration, findStack, listStacks, Stack } from "../src/aws/stack.ts";
import { readVariables } from "../src/aws/variables.ts";
import { terraformModule } from "../src/terraform-module.ts";

const keys = knownKeys();
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

describe("profiles", () => {
  test("have the module's variables as keys, without what is made for each cluster", () => {
    const variables = readVariables(terraformModule());
    const names = keys.map(({ key }) => key);
    for (const key of ["region", "instanceType", "spotPrice", "workersNum", "sshPublicKeyFile", "maxCost"])
      expect(names).toContain(key);
    const made = [
      "token",
      "workerToken",
      "tokenVersion",
      "tokenParameter",
      "workerTokenParameter",
      "workerReplacement",
    ];
    for (const key of made) expect(names).not.toContain(key);
    expect(names.length).toBe(variables.length - made.length + 1);
    expect(variables.find(({ key }) => key === "alternativeInstanceTypes")?.preset).toContain("g5.xlarge");
    expect(variables.filter(({ isSecret }) => isSecret).map(({ key }) => key)).toEqual(["token", "workerToken"]);
    expect(variables.filter(({ preset }) => preset === undefined).map(({ key }) => key)).toEqual(Object.keys(needed));
  });

  test("are read, completed with the defaults, and say only what differs", () => {
    const file = join(folder, "digits.json");
    writeFileSync(file, JSON.stringify({ ...needed, spotPrice: 0.3, workersNum: 2, gpus: true }));
    const profile = readProfile(file, keys);
    const complete = completeProfile(profile, keys);
    expect(complete).toMatchObject({
      ...needed,
      region: "us-east-1",
      spotPrice: 0.3,
      workersMax: null,
      imageTag: "gpu",
    });
    expect(typesOf(complete)[0]).toBe("g4dn.xlarge");
    expect(differing(profile, keys)).toEqual({ ...needed, spotPrice: 0.3 });
    // Nobody gets in: not the same as where nothing is said, which is the caller's address.
    expect(differing({ ...needed, ...readSetting("adminCidrs=", keys) }, keys)).toEqual({ ...needed, adminCidrs: [] });
    vi.stubEnv("AWS_DEFAULT_REGION", "eu-central-1");
    expect(completeProfile(needed, keys).region).toBe("eu-central-1");
    expect(completeProfile({ ...needed, region: "us-west-2" }, keys).region).toBe("us-west-2");
  });

  test.each([
    ["spotPrice=0.3", { spotPrice: 0.3 }],
    ["spotPrice=null", { spotPrice: null }],
    ["gpus=false", { gpus: false }],
    ["instanceType=g5.xlarge", { instanceType: "g5.xlarge" }],
    ["alternativeInstanceTypes=g5.xlarge, g6.xlarge", { alternativeInstanceTypes: ["g5.xlarge", "g6.xlarge"] }],
    ["adminCidrs=", { adminCidrs: [] }],
    ["workerSecrets=a.pem=/x/a,b.pem=/x/b", { workerSecrets: { "a.pem": "/x/a", "b.pem": "/x/b" } }],
  ])("--set %s", (text, value) => {
    expect(readSetting(text, keys)).toEqual(value);
  });

  test.each([
    [{ instance_type: "g5.xlarge" }, 'has no "instance_type". Did you mean instanceType?'],
    [{ spotprize: 1 }, "Did you mean spotPrice?"],
    [{ colour: "red" }, 'has no "colour". There are: region, '],
    [{ spotPrice: "0.3" }, 'spotPrice takes a number or null, not "0.3"'],
    [{ workersNum: null }, "workersNum takes a number, not null"],
    [{ gpus: "yes" }, 'gpus takes true or false, not "yes"'],
    [{ alternativeInstanceTypes: "g5.xlarge" }, "alternativeInstanceTypes takes a list of texts"],
    [{ workerSecrets: ["a"] }, "workerSecrets takes an object of texts"],
    [["a"], "a profile is an object"],
  ])("refuse %j, and say what is taken", (raw, words) => {
    const check = (): unknown => checkProfile(raw, keys, "digits.json");
    expect(check).toThrow(words);
    expect(check).toThrow(expect.objectContaining({ code: "FLOCK_PROFILE_INVALID" }));
  });

  test("name files from where they stand, since Terraform runs elsewhere", () => {
    const file = join(folder, "digits.json");
    writeFileSync(file, JSON.stringify({ sshPublicKeyFile: "keys/id.pub", certificates: "~/certs" }));
    expect(readProfile(file, keys)).toEqual({
      sshPublicKeyFile: join(folder, "keys/id.pub"),
      certificates: "~/certs",
    });
    expect(readSetting("sshPublicKeyFile=id.pub", keys)).toEqual({ sshPublicKeyFile: resolve("id.pub") });
    expect(readSetting("sshPublicKeyFile=/k/id.pub", keys)).toEqual({ sshPublicKeyFile: "/k/id.pub" });
  });

  test("say what they need, and which file is broken", () => {
    expect(() => completeProfile({ contact: "ada" }, keys)).toThrow(/needs department \(.+--set department=…/);
    expect(() => readSetting("workersNum=many", keys)).toThrow('workersNum takes a number, not "many"');
    writeFileSync(join(folder, "x.json"), "{");
    expect(() => readProfile(join(folder, "x.json"), keys)).toThrow(/x\.json cannot be read/);
    expect(() => readProfile(join(folder, "none.json"), keys)).toThrow(/none\.json cannot be read/);
  });
});

describe("a cluster's folder", () => {
  const complete: Complete = completeProfile({ ...needed, clusterName: "digits", workersNum: 4 }, keys);

  test("has Terraform's configuration: the module with what differs, secrets as variables that are kept nowhere", () => {
    const odd = { ...complete, contact: "$" + "{var.token} %{if}" };
    const config = configuration(readVariables(terraformModule()), odd, { token_version: 1 });
    expect(config).toMatchObject({
      provider: { aws: { region: "us-east-1" } },
      variable: { token: { ephemeral: true, sensitive: true } },
      module: {
        taskflock: {
          ...{ source: "./module", token: "$" + "{var.token}", token_version: 1 },
          ...{ cluster_name: "digits", workers_num: 4, department: "research" },
          contact: "$$" + "{var.token} %%{if}", // as it stands, and no template
        },
      },
    });
    expect(Object.keys((config as { module: { taskflock: object } }).module.taskflock)).not.toContain("instance_type");
  });

  test("holds token and profile for its owner alone, and is found by name", () => {
    const stack = new Stack("digits");
    expect(listStacks()).toEqual([]);
    expect(() => findStack(undefined, null)).toThrow(/None was started from this machine/);
    stack.configure(terraformModule(), complete, {});
    const tokens = stack.tokens();
    expect(stack.tokens()).toEqual(tokens);
    expect(tokens.workers).not.toBe(tokens.own);
    for (const name of ["token", "worker-token", "main.tf.json"])
      expect(statSync(join(stack.folder, name)).mode & 0o077).toBe(0);
    expect(readFileSync(join(stack.folder, "main.tf.json"), "utf8")).not.toContain(tokens.own);
    expect(readFileSync(join(stack.folder, "module/main.tf"), "utf8")).toContain("locals");
    expect(findStack(undefined, null).name).toBe("digits");
    new Stack("other").saveProfile(needed);
    expect(() => findStack(undefined, null)).toThrow(/There are: digits, other/);
    expect(findStack(undefined, "other").name).toBe("other");
    expect(() => findStack("x", "other")).toThrow(expect.objectContaining({ code: "FLOCK_AWS_UNKNOWN_CLUSTER" }));
    stack.remove();
    expect(listStacks()).toEqual(["other"]);
  });

  test("remembers machines that EC2 forgets", () => {
    const stack = new Stack("digits");
    stack.saveProfile(needed);
    const machine = (id: string): Machine => ({
      ...{ id, role: "worker", type: "g5.xlarge", zone: "a", spot: true, launchedMs: 1_000, endedMs: null },
      ...{ state: "running", privateIp: null, publicIp: null },
    });
    stack.remember([machine("i-1"), machine("i-2")], 2_000);
    const now = stack.remember([machine("i-2")], 5_000);
    expect(now.map(({ id, endedMs }) => [id, endedMs])).toEqual([
      ["i-1", 5_000],
      ["i-2", null],
    ]);
    // Its end, once known, stays.
    const ended = { ...machine("i-2"), state: "terminated", endedMs: 6_000 };
    expect(stack.remember([ended], 7_000).map(({ endedMs }) => endedMs)).toEqual([5_000, 6_000]);
    expect(stack.remember([{ ...ended, endedMs: 9_000 }], 9_000).map(({ endedMs }) => endedMs)).toEqual([5_000, 6_000]);
    // Nobody saw it end, but all end when the cluster expires.
    const facts = {
      region: "us-east-1",
      cluster: "d",
      group: "d-workers",
      schedulerId: "i-0",
      address: "10.0.0.1:8786",
    };
    const more = { dashboard: "", caFile: null, image: "", startedAt: "", expiresAt: new Date(8_000).toISOString() };
    stack.saveFacts({ ...facts, ...more });
    stack.remember([machine("i-3")], 7_000);
    expect(stack.remember([], 90_000).map(({ endedMs }) => endedMs)).toEqual([5_000, 6_000, 8_000]);
    // One that was only overlooked runs.
    expect(stack.remember([machine("i-1")], 9_500).map(({ endedMs }) => endedMs)).toEqual([null, 6_000, 8_000]);
  });
});

test("a plan is told in sentences, with what would be lost first", () => {
  const change = (address: string, ...actions: string[]) => ({
    address: `module.taskflock.${address}`,
    type: address.split(".")[0] ?? "",
    change: { actions },
  });
  const fresh = summarise([
    change("aws_autoscaling_group.workers", "create"),
    change("aws_launch_template.worker", "create"),
  ]);
  expect(countsLine(fresh)).toBe("2 to make");
  expect(fresh.sentences).toEqual([]);
  const edited = summarise([
    change("aws_launch_template.worker", "update"),
    change("aws_autoscaling_group.workers", "update"),
    change("aws_instance.scheduler", "delete", "create"),
    change("aws_ssm_parameter.token[0]", "no-op"),
    change("aws_key_pair.admin[0]", "delete"),
  ]);
  expect(countsLine(edited)).toBe("2 to change, 1 to replace, 1 to remove");
  expect(edited.sentences).toEqual([
    expect.stringContaining("THE SCHEDULER IS REPLACED"),
    expect.stringContaining("one by one"),
    expect.stringContaining("group of workers"),
  ]);
  expect(countsLine(summarise([]))).toBe("nothing to change");
});

describe("costs", () => {
  const worker: MachineLife = {
    ...{ id: "i-1", role: "worker", type: "g5.xlarge", zone: "us-east-1a", spot: true },
    ...{ launchedMs: HOUR_MS, endedMs: null },
  };
  const spot = new Map([
    [
      "g5.xlarge us-east-1a",
      [
        { atMs: 2 * HOUR_MS, price: 0.4 },
        { atMs: 0, price: 0.2 },
      ],
    ],
  ]);
  const book = { spot, onDemand: new Map([["t3.medium", 0.04]]) };

  test("follow the price as it changed, from the launch to the end", () => {
    expect(costOf(worker, book, 3 * HOUR_MS)).toBeCloseTo(0.2 + 0.4);
    expect(costOf({ ...worker, endedMs: 1.5 * HOUR_MS }, book, 3 * HOUR_MS)).toBeCloseTo(0.1);
    expect(costOf({ ...worker, launchedMs: 5 * HOUR_MS }, book, 6 * HOUR_MS)).toBeCloseTo(0.4);
    // Before the first price that is known it is taken to have been the same.
    const late = { ...book, spot: new Map([["g5.xlarge us-east-1a", [{ atMs: 2 * HOUR_MS, price: 0.4 }]]]) };
    expect(costOf(worker, late, 3 * HOUR_MS)).toBeCloseTo(0.8);
    expect(costOf({ ...worker, type: "x" }, book, 3 * HOUR_MS)).toBeNull();
    const scheduler = { ...worker, spot: false, type: "t3.medium", role: "scheduler" } as const;
    expect(costOf(scheduler, book, 3 * HOUR_MS)).toBeCloseTo(0.08);
    const all = clusterCost([worker, scheduler, { ...worker, id: "i-3", type: "x" }], book, 3 * HOUR_MS);
    expect(all.spent).toBeCloseTo(0.68);
    expect(all.rate).toBeCloseTo(0.44);
    expect(all.unknown).toEqual(["i-3"]);
  });

  test("of runs are their part of the slots' time", () => {
    const runs = [{ name: "search", slotSeconds: 7_200 }];
    expect(runCosts(runs, { slots: 4, workersRate: 0.8 })[0]?.cost).toBeCloseTo(0.4);
    expect(runCosts(runs, { slots: 0, workersRate: 0.8 })[0]?.cost).toBeNull();
  });

  test("are read as AWS says them", () => {
    expect(hoursOf("1h30m")).toBe(1.5);
    expect(hoursOf("90m")).toBe(1.5);
    expect(endIn("User initiated (2026-11-22 03:14:15 GMT)")).toBe(Date.parse("2026-11-22T03:14:15Z"));
    expect(endIn("")).toBeNull();
    expect(offersIn(spot)).toEqual([{ type: "g5.xlarge", zone: "us-east-1a", price: 0.4 }]);
    const product = (price: string): string =>
      JSON.stringify({
        terms: { OnDemand: { a: { priceDimensions: { b: { unit: "Hrs", pricePerUnit: { USD: price } } } } } },
      });
    expect(onDemandIn([product("0.0000"), product("0.0416")])).toBe(0.0416);
    expect(onDemandIn([])).toBeNull();
  });
});

describe("resizing", () => {
  test("lets those go first that have not joined, then the idlest", () => {
    const worker = (name: string, running: number, storedBytes = 0) => ({
      name,
      running,
      assigned: running,
      storedBytes,
    });
    const workers = [worker("i-busy", 2), worker("i-idle", 0, 10), worker("i-free", 0), worker("i-advised", 0, 99)];
    const ids = ["i-busy", "i-idle", "i-free", "i-advised", "i-boots"];
    expect(idlestFirst(ids, workers, ["i-advised"])).toEqual(["i-boots", "i-advised", "i-free", "i-idle", "i-busy"]);
  });

  test("asks for each machine once, however long AWS takes to start it", () => {
    const members = [{ id: "i-1", state: "InService", version: "1" }];
    const group = (desired: number) => ({ name: "g", desired, max: 9, version: "1", members });
    expect(grownTo(group(1), 2)).toBe(3);
    expect(grownTo(group(3), 2)).toBe(3);
    expect(grownTo(group(3), 3)).toBe(4);
  });

  test("replaces only machines of an older launch template that stay", () => {
    const members = [
      { id: "i-old", state: "InService", version: "1" },
      { id: "i-new", state: "InService", version: "2" },
      { id: "i-leaves", state: "Terminating", version: "1" },
    ];
    expect(outdated({ name: "g", desired: 2, max: 2, version: "2", members })).toEqual(["i-old"]);
  });
});

test("quotas are those of the types' kinds, in vCPUs", () => {
  const vcpus = new Map([
    ["g4dn.xlarge", 4],
    ["g5.2xlarge", 8],
    ["p3.2xlarge", 8],
    ["t3.medium", 2],
  ]);
  expect(quotaNeeds([...vcpus.keys()].slice(0, 3), vcpus, { count: 2, spot: true })).toEqual([
    { code: "L-3819A6DF", name: "spot G and VT", least: 8, most: 16 },
    { code: "L-7212CCBC", name: "spot P2 to P4", least: 16, most: 16 },
  ]);
  expect(quotaNeeds(["t3.medium"], vcpus, { count: 1, spot: false })[0]).toMatchObject({ code: "L-1216C47A", most: 2 });
});

test("AWS's words for what it could not start come with what helps", () => {
  expect(hintFor("VcpuLimitExceeded: You have requested more")).toContain("--request-quota");
  expect(hintFor("InsufficientInstanceCapacity")).toContain("alternativeInstanceTypes");
  expect(hintFor("SpotMaxPriceTooLow")).toContain("spotPrice");
  expect(hintFor("something else")).toBe("");
});

test("shells and journals are asked for by the real programs, with nothing of a person's in between", () => {
  const machine = { id: "i-1", publicIp: "203.0.113.9", privateIp: "10.0.0.1" };
  const plain = { region: "eu-west-1", sshPublicKeyFile: null };
  expect(shellOn(machine, plain)).toMatchObject({
    command: "aws",
    args: ["ssm", "start-session", "--region", "eu-west-1", "--target", "i-1"],
  });
  expect(shellOn(machine, { ...plain, sshPublicKeyFile: "/keys/id_ed25519.pub" })).toMatchObject({
    command: "ssh",
    args: ["-i", "/keys/id_ed25519", "ec2-user@203.0.113.9"],
  });
  expect(journalCommand({ lines: 20, cursor: null })).toMatch(/--lines 20 \| tail --bytes 20000$/);
  expect(journalCommand({ lines: 20, cursor: "s=ab;i=1" })).toContain("--after-cursor 's=ab;i=1'");
  expect(() => journalCommand({ lines: 20, cursor: "'; rm -rf /" })).toThrow("no cursor");
  expect(journalIn("a\nb\n-- cursor: s=1;i=2\n")).toEqual({ lines: ["a", "b"], cursor: "s=1;i=2" });
  expect(journalIn("-- No entries --\n")).toEqual({ lines: [], cursor: null });
});
