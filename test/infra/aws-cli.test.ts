// `taskflock aws …` as a person runs it: real Terraform with the real provider, an emulator where AWS would be, and real Taskflock
// processes where machines would be.
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { AutoScalingClient, DeleteAutoScalingGroupCommand } from "@aws-sdk/client-auto-scaling";
import { AwsCluster, Client } from "taskflock";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { cli, type Finished } from "../system/processes.ts";
import { root } from "../tidy/tree.ts";
import { AwsEmulator } from "./aws-emulator/index.ts";
import { StandIns } from "./aws-stand-ins.ts";
import { has, providerMirror } from "./terraform-program.ts";

const mirror = providerMirror();
const reason = !has("terraform")
  ? "terraform is not on the path"
  : mirror === undefined
    ? "no AWS provider for Terraform"
    : null;
if (reason !== null) console.log(`skipped: ${reason}`);

const folder = mkdtempSync(join(tmpdir(), "taskflock-aws-cli-"));
const image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taskflock";
const profile = ["--profile", "digits.json"];
const who = ["--set", "clusterName=digits", "--set", "contact=ada@example.com", "--set", "department=research"];
const settings = [...who, "--set", "spotPrice=0.35", "--set", `dockerRegistry=${image}`];

/** What docs/deploy-aws.md says to do, and is not done yet; the way by Terraform alone is aws-boot.test.ts's. */
const [page = ""] = readFileSync(join(root, "docs/deploy-aws.md"), "utf8").split("## By Terraform alone");
const shellBlocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
const documented = new Set(shellBlocks.flatMap((block) => block.match(/^taskflock (aws|context|status) ?.*$/gm) ?? []));

describe.skipIf(reason !== null)("taskflock aws", () => {
  const machines = new StandIns();
  let aws: AwsEmulator;

  beforeAll(async () => {
    aws = await AwsEmulator.start({ hardware: machines, network: machines.network });
    machines.world = aws.world;
    const env = {
      ...aws.env,
      ...{ XDG_STATE_HOME: join(folder, "state"), TF_CLI_CONFIG_FILE: "/dev/null", CHECKPOINT_DISABLE: "1" },
      TF_CLI_ARGS_init: `-plugin-dir=${mirror}`,
    };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    for (const name of ["ADDRESS", "TOKEN", "TOKEN_FILE", "CONTEXT", "TLS_CA"])
      vi.stubEnv(`TASKFLOCK_${name}`, undefined);
    vi.stubEnv("AWS_CA_BUNDLE", undefined);
  });

  afterAll(async () => {
    await aws?.[Symbol.asyncDispose]();
    machines.dispose();
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  /** `until`: what it prints, upon which it gets a Ctrl-C. */
  function run(args: readonly string[], { until, env = {} }: { until?: RegExp; env?: NodeJS.ProcessEnv } = {}) {
    documented.delete(`taskflock ${args.filter((arg) => arg !== "--yes").join(" ")}`);
    const child = spawn(process.execPath, [cli, ...args], { cwd: folder, env: { ...process.env, ...env } });
    return new Promise<Finished>((resolve) => {
      let [stdout, stderr] = ["", ""];
      let isInterrupted = false;
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        stdout += text;
        if (until === undefined || isInterrupted || !until.test(stdout)) return;
        isInterrupted = true;
        child.kill("SIGINT");
      });
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        stderr += text;
      });
      child.once("close", (code) => resolve({ code, stdout, stderr }));
      child.stdin.end();
    });
  }

  async function must(...args: string[]): Promise<string> {
    const finished = await run(args);
    expect(finished, args.join(" ")).toMatchObject({ code: 0 });
    return finished.stdout;
  }

  const upMachines = (): string[] =>
    [...aws.world.instances.values()].filter(({ state }) => state === "running").map(({ id }) => id);
  const workers = (): string[] =>
    [...aws.world.instances.values()].filter(({ state, group }) => state === "running" && group).map(({ id }) => id);

  test("check says what is missing and what to do, asks for a quota, and saves the profile", async () => {
    const bad = await run(["aws", "check", ...profile, "--save", ...settings]);
    expect(bad.code, bad.stderr).toBe(1);
    expect(bad.stdout).toMatch(/✓ AWS: arn:aws:iam::123456789012:user\/ada, account 123456789012, region us-east-1/);
    expect(bad.stdout).toMatch(/✓ Terraform 1\.\d+/);
    expect(bad.stdout).toMatch(/✗ image: there is no repository taskflock in ECR\n {4}→ taskflock image build/);
    expect(bad.stdout).toMatch(/✓ workers' AMI: ami-/);
    expect(bad.stdout).toMatch(
      /✓ spot: from 0\.2100 USD an hour \(g4dn\.xlarge in us-east-1a\); spotPrice 0\.3500 USD/,
    );
    expect(bad.stdout).toMatch(/✗ g5\.xlarge +us-east-1a +0\.4200 USD an hour/);
    expect(bad.stdout).toMatch(/✗ quota spot G and VT \(L-3819A6DF\): 0 vCPUs; 8 are needed, 16 if all/);
    expect(bad.stdout).toContain("→ taskflock aws check --request-quota asks for more");
    expect((await run(["aws", "check", ...profile, "--request-quota"])).stdout).toContain("→ asked for 16 (PENDING)");
    expect(aws.cli.requested).toContainEqual({ code: "L-3819A6DF", vcpus: 16 });

    aws.cli.images.add("taskflock:gpu");
    aws.cli.quotas.set("L-3819A6DF", 64).set("L-1216C47A", 32);
    const good = await must("aws", "check", ...profile, "--save", "--set", "adminCidrs=127.0.0.0/8");
    expect(good).not.toContain("✗ quota");
    expect(good).toContain("✓ image: taskflock:gpu, 3000 MB");
    expect(JSON.parse(readFileSync(join(folder, "digits.json"), "utf8"))).toEqual({
      ...{ contact: "ada@example.com", department: "research", clusterName: "digits" },
      ...{ dockerRegistry: image, adminCidrs: ["127.0.0.0/8"], spotPrice: 0.35 },
    });
    const wrong = await run(["aws", "check", ...who, "--set", "spotprize=1"]);
    expect(wrong.stderr).toMatch(/Did you mean spotPrice\?.*FLOCK_PROFILE_INVALID/);
    const dear = await run(["aws", "check", ...settings, "--set", "spotPrice=0.01"]);
    expect(dear.stdout).toContain("→ no machine would start: set spotPrice to 0.2100 USD or more");
  });

  test("up asks first; a Ctrl-C is no harm; the same command goes on until the workers joined", async () => {
    const refused = await run(["aws", "up", ...profile]);
    expect(refused, refused.stderr).toMatchObject({ code: 1 });
    expect(refused.stdout).toMatch(/digits in us-east-1: \d+ to make\n/);
    expect(refused.stdout).toMatch(
      /AWS's price list does not say what a t3\.medium costs.*the scheduler is not in these sums/,
    );
    expect(refused.stdout).toMatch(/There is no terminal to ask on.*\nNothing was changed\.\n/);
    expect(aws.left()).toEqual([]);

    aws.cli.prices.set("t3.medium", 0.0416);
    const cut = await run(["aws", "up", ...profile, "--yes"], {
      until: /aws_iam_role\S+: Creation complete/,
    });
    expect(cut.code).not.toBe(0);
    expect(cut.stdout).toContain("Terraform ends what it has begun, and keeps its state.");
    expect(cut.stderr).toMatch(/taskflock aws up goes on from there.*FLOCK_TERRAFORM_FAILED/s);
    expect(workers()).toEqual([]);

    const up = await must("aws", "up", ...profile, "--yes");
    expect(up).toContain(
      "Cost per hour: 2 workers × 0.2100 USD (spot now, g4dn.xlarge in us-east-1a) + scheduler 0.0416 USD = about 0.4616 USD",
    );
    expect(up).toContain("Until it expires, after 3h: about 1.38 USD, at most 2.22 USD");
    expect(up).toMatch(/The cluster is there: 2 workers/);
    expect(workers()).toHaveLength(2);
    expect(await must("status")).toContain("Scheduler ");
    const { stdout } = await run(["context", "list"]);
    expect(stdout).toMatch(/\* +digits +wss:\/\//);
  });

  test("nothing secret is in the state, or readable by others", () => {
    const place = join(folder, "state/taskflock/aws/digits");
    const token = readFileSync(join(place, "token"), "utf8").trim();
    const key = readFileSync(join(place, "certificates/scheduler-key.pem"), "utf8").split("\n")[1] ?? "?";
    const state = readFileSync(join(place, "terraform.tfstate"), "utf8");
    for (const secret of [token, key]) {
      expect(state).not.toContain(secret);
      expect(readFileSync(join(place, "main.tf.json"), "utf8")).not.toContain(secret);
    }
  });

  test("Client.connect() finds the cluster, and status says what it costs, by run, too", async () => {
    const client = await Client.connect();
    const results = client.map((x: number) => x * 2, [1, 2, 3]);
    expect(await client.gather(results)).toEqual([2, 4, 6]);
    aws.advance(3_600_000);
    const status = await must("aws", "status");
    await client.close();
    expect(status).toMatch(/digits in us-east-1, wss:/);
    expect(status).toContain("Workers: 2 wanted, 2 joined");
    expect(status).toMatch(
      /i-\w+ +scheduler +t3\.medium +us-east-1a +on demand +running +\S+ \S+ UTC +0\.0416 +answers/,
    );
    expect(status).toMatch(/i-\w+ +worker +g4dn\.xlarge +us-east-1[ab] +spot +running +\S+ \S+ UTC +0\.2100 +running/);
    expect(status).toMatch(/So far: 0\.\d+ USD, now 0\.4616 USD an hour\nExpires \S+ \S+ UTC; until then \d\.\d+ USD/);
    expect(status).toMatch(/RUN +SLOT TIME +COST\n.+ \d+\.\d s +0\.\d{4} USD/);
  });

  test("scale ends exactly those that are idle; the group's bound is said", async () => {
    expect((await run(["aws", "scale", "3"])).stderr).toMatch(
      /may have 2 workers, not 3.*workersMax=3.*FLOCK_AWS_TOO_MANY/,
    );
    const client = await Client.connect();
    const [busy = ""] = workers();
    const gate = join(folder, "gate");
    const waits = async (file: string): Promise<string> => {
      const { existsSync: isThere } = await import("node:fs");
      while (!isThere(file)) await new Promise((resolve) => setTimeout(resolve, 20));
      return "finished";
    };
    const task = client.submit(waits, [gate], { workers: [busy] });
    await vi.waitFor(
      async () => expect((await client.workers()).some(({ running }) => running > 0)).toBe(true),
      20_000,
    );
    expect(await must("aws", "scale", "1")).toContain("digits: 1 workers are wanted");
    await aws.settled();
    expect(workers()).toEqual([busy]);
    writeFileSync(gate, "");
    expect(await task.result()).toBe("finished");
    // A later `up` goes by it, too, and does nothing else.
    expect(await must("aws", "up", "--cluster", "digits")).toMatch(
      /everything is as the profile says[\s\S]*The cluster is there: 1 workers/,
    );
    await client.close();
  });

  test("an edited profile rolls workers by retire, and nothing is lost", async () => {
    const client = await Client.connect();
    const before = workers();
    const kept = client.submit(() => "x".repeat(200_000), []);
    await vi.waitFor(() => expect(kept.status).toBe("done"), 20_000);
    const changes = ["--set", "workersMax=3", "--set", "workerDiskGb=130"];
    const edited = await must("aws", "up", ...profile, "--save", ...changes, "--yes");
    expect(edited).toContain("Workers are replaced one by one: a new one joins, an old one retires, nothing is lost.");
    expect(edited).toMatch(new RegExp(`${before[0]}: retiring[\\s\\S]*${before[0]}: ended`));
    expect(edited).not.toContain("THE SCHEDULER IS REPLACED");
    await aws.settled();
    expect(workers()).toHaveLength(2); // as the profile's file says
    expect(workers()).not.toContain(before[0]);
    expect((await kept.result()).length).toBe(200_000);
    await client.close();
  });

  test("AwsCluster attaches to it, adapts up and down, and lets go", async () => {
    const cluster = await AwsCluster.attach();
    expect(cluster.name).toBe("digits");
    const client = await cluster.connect();
    await cluster.adapt({ minimum: 1, maximum: 3, intervalMs: 200, waitCount: 3, targetDurationMs: 50 });
    const gate = join(folder, "second-gate");
    const waits = async (file: string, _: number): Promise<boolean> => {
      const { existsSync: isThere } = await import("node:fs");
      while (!isThere(file)) await new Promise((resolve) => setTimeout(resolve, 20));
      return true;
    };
    const tasks = [...Array(12).keys()].map((index) => client.submit(waits, [gate, index]));
    await vi.waitFor(() => expect(workers()).toHaveLength(3), 30_000);
    writeFileSync(gate, "");
    expect(await client.gather(tasks)).toEqual(Array(12).fill(true));
    for (const task of tasks) task.release();
    await vi.waitFor(() => expect(workers()).toHaveLength(1), 30_000);
    await client.close();
    await cluster.close();
    expect(workers()).toHaveLength(1); // it goes on
  });

  test("workers that do not come: what AWS says, what helps, and what to look at", async () => {
    aws.cli.failures.push("InsufficientInstanceCapacity: there is no Spot capacity available");
    machines.doWorkersBoot = false;
    const late = await run(["aws", "up", "--yes", "--cluster", "digits", "--set", "workersNum=3", "--timeout", "3s"]);
    machines.doWorkersBoot = true;
    expect(late.code).toBe(1);
    expect(late.stdout).toMatch(
      /AWS could not start one: InsufficientInstanceCapacity.* → none is left of these types/,
    );
    expect(late.stderr).toMatch(
      /of 3 workers joined\. 3 s are over\..*taskflock aws logs i-.*taskflock aws up waits again.*FLOCK_AWS_NOT_READY/,
    );
  });

  test("logs and ssh reach the machines", async () => {
    const asked: string[] = [];
    aws.cli.shell = (_, command) => {
      asked.push(command);
      return command.includes("--after-cursor")
        ? "-- No entries --\n"
        : "2026-11-22 taskflock: joined\n-- cursor: s=1;i=2\n";
    };
    const [scheduler = ""] = upMachines();
    expect((await must("aws", "logs")).split("\n").length).toBeGreaterThanOrEqual(3); // of each machine a line
    asked.length = 0;
    expect(await must("aws", "logs", "scheduler", "--lines", "7")).toBe(`${scheduler}  2026-11-22 taskflock: joined\n`);
    expect(asked[0]).toMatch(/^journalctl --unit taskflock .*--lines 7 \| tail /);
    const follow = await run(["aws", "logs", "scheduler", "--follow"], { until: /joined/ });
    expect(follow.code).toBe(0);
    expect((await run(["aws", "logs", "i-nowhere"])).stderr).toMatch(
      /There is no machine i-nowhere\. There are: i-\w+ \(scheduler\)/,
    );

    // Whatever program is called: it tells how.
    const programs = mkdtempSync(join(folder, "bin-"));
    writeFileSync(join(programs, "aws"), '#!/bin/sh\necho "aws $*"\nexit 7\n');
    chmodSync(join(programs, "aws"), 0o755);
    const env = { PATH: `${programs}${delimiter}${process.env["PATH"]}` };
    const shell = await run(["aws", "ssh", "scheduler"], { env });
    expect(shell).toMatchObject({
      code: 7,
      stdout: `aws ssm start-session --region us-east-1 --target ${scheduler}\n`,
    });
    const none = await run(["aws", "ssh", "scheduler"], { env: { PATH: programs.replace("bin-", "none-") } });
    expect(none.stderr).toMatch(/aws is not on the path.*Session Manager plugin.*FLOCK_AWS_COMMAND/);
  });

  test("down removes all of it, also when half is gone, and says what it cost", async () => {
    expect((await run(["aws", "down"])).stdout).toContain("Nothing was changed.");
    // Somebody was there before, by hand.
    const autoScaling = new AutoScalingClient({ region: "us-east-1" });
    const [group = ""] = aws.world.groups.keys();
    await autoScaling.send(new DeleteAutoScalingGroupCommand({ AutoScalingGroupName: group, ForceDelete: true }));
    autoScaling.destroy();
    await aws.settled();
    for (const name of [...aws.world.parameters.keys()].slice(0, 1)) aws.world.parameters.delete(name);
    rmSync(join(folder, "state/taskflock/aws/digits/module"), { recursive: true });
    const gone = await must("aws", "down", "--yes");
    await aws.settled();
    expect(gone).toMatch(/digits is gone\. Its machines cost \d+\.\d+ USD; disks and traffic come on top\./);
    expect(aws.left()).toEqual([]);
    expect(existsSync(join(folder, "state/taskflock/aws/digits"))).toBe(false);
    expect(await must("context", "list")).toContain("None is saved.");
    expect((await run(["aws", "status"])).stderr).toContain("FLOCK_AWS_UNKNOWN_CLUSTER");
    expect(aws.unknown).toEqual([]);
  });

  test("no command of the docs is left that was not run", () => {
    expect([...documented]).toEqual([]);
  });
});
