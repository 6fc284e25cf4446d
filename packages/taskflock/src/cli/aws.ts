// `taskflock aws …`: a cluster on Amazon's machines. What the commands do is in `aws/`.

import { FlockError } from "@taskflock/protocol/words";
import type { Command } from "commander";
import type { AwsStack } from "../aws/cluster.ts";
import type { Profile } from "../aws/profile.ts";
import { printLine } from "../process.ts";
import { duration, integer } from "../values.ts";
import { flag } from "./flags.ts";

interface ClusterFlags {
  readonly cluster?: string;
}

interface ProfileFlags extends ClusterFlags {
  readonly profile?: string;
  readonly set: readonly string[];
  readonly save?: true;
}

interface UpFlags extends ProfileFlags {
  readonly yes?: true;
  readonly timeout: number;
  readonly retireTimeout: number;
}

const again = (text: string, before: readonly string[]): readonly string[] => [...before, text];

export function addAwsCommand(program: Command): void {
  const aws = program
    .command("aws")
    .description(
      "A cluster on AWS: a scheduler on demand, workers on spot instances with GPUs. Credentials are found as the AWS CLI finds them.",
    )
    .addHelpText(
      "after",
      `
  taskflock aws check --set contact=ada@example.com --set department=research      is everything there?
  taskflock aws up --profile digits.json                                           plan, cost, yes or no, and wait
  taskflock aws status                                                             machines, workers, what it costs
  taskflock aws down                                                               all of it is removed`,
    );
  addCheck(aws);
  addUp(aws);
  addStatus(aws);
  addScale(aws);
  addLogs(aws);
  addSsh(aws);
  addDown(aws);
}

function addCheck(aws: Command): void {
  withProfile(
    aws
      .command("check")
      .description(
        "Look whether a cluster can be started: identity, Terraform, image, AMIs, spot prices, vCPU quotas. Exits 1 when something is missing.",
      ),
  )
    .option("--request-quota", "ask AWS for more vCPUs where the quota is too small")
    .action(async (flags: ProfileFlags & { readonly requestQuota?: true }) => {
      const cluster = await toStart(flags);
      const { check } = await import("../aws/check.ts");
      const { aws: clients, profile } = cluster;
      const parts = { aws: clients, profile, repository: cluster.tag, requestQuota: flags.requestQuota === true };
      const findings = check({ ...parts, terraformVersion: () => cluster.terraformVersion() });
      for await (const { ok, what, advice, details } of findings) {
        printLine(`${ok ? "✓" : "✗"} ${what}`);
        for (const line of details) printLine(`    ${line}`);
        if (advice !== "") printLine(`    → ${advice}`);
        if (!ok) process.exitCode = 1;
      }
      await cluster.close();
    });
}

function addUp(aws: Command): void {
  const command = aws
    .command("up")
    .description(
      "Start a cluster, or bring it to what its profile says now: shows the plan and its cost, asks, applies, waits until the workers have joined, " +
        "and saves the connection context. After a time-out or Ctrl-C the same command goes on.",
    );
  withRetireTimeout(withYes(withProfile(command)))
    .addOption(
      flag("--timeout <time>", "how long scheduler and workers may take to be there, e.g. 20m", "AWS_TIMEOUT")
        .default(900_000, "15m")
        .argParser(duration),
    )
    .action(async (flags: UpFlags) => {
      const cluster = await toStart(flags);
      const { up } = await import("../aws/up.ts");
      const options = { confirm: confirmation(flags), timeoutMs: flags.timeout, retireMs: flags.retireTimeout };
      if (!(await up(cluster, options))) nothingDone();
      await cluster.close();
    });
}

function addStatus(aws: Command): void {
  withCluster(
    aws.command("status").description("Print machines, workers, and what they cost: so far, an hour, by run."),
  )
    .addOption(flag("--json", "print everything as JSON", "JSON").default(false))
    .action(async (flags: ClusterFlags & { readonly json: boolean }) => {
      const cluster = await thatIs(flags);
      const { awsStatus, formatStatus } = await import("../aws/status.ts");
      const status = await awsStatus(cluster);
      printLine(flags.json ? JSON.stringify(status, null, 2) : formatStatus(status));
      await cluster.close();
    });
}

function addScale(aws: Command): void {
  const command = aws
    .command("scale")
    .description("Have so many workers. When it becomes fewer, the idlest retire, and exactly their machines end.")
    .argument("<n>", "how many", integer(0, 500));
  withRetireTimeout(withCluster(command)).action(
    async (count: number, flags: ClusterFlags & { readonly retireTimeout: number }) => {
      const cluster = await thatIs(flags);
      const { scaleCluster } = await import("../aws/scale.ts");
      await scaleCluster(cluster, count, flags.retireTimeout);
      await cluster.close();
    },
  );
}

function addLogs(aws: Command): void {
  withCluster(
    aws
      .command("logs")
      .description(
        "Print what the machines' journals say of Taskflock and their boot. What tasks print: taskflock logs.",
      )
      .argument("[node...]", "scheduler, or instances as `taskflock aws status` names them (default: all)"),
  )
    .addOption(flag("--lines <n>", "of each machine", "AWS_LINES").default(50).argParser(integer(1, 1_000)))
    .option("--follow", "go on with what comes", false)
    .action(
      async (nodes: readonly string[], flags: ClusterFlags & { readonly lines: number; readonly follow: boolean }) => {
        const cluster = await thatIs(flags);
        const { tellLogs } = await import("../aws/reach.ts");
        const stop = new AbortController();
        process.once("SIGINT", () => stop.abort());
        await tellLogs(cluster, { nodes, lines: flags.lines, follow: flags.follow, signal: stop.signal });
        await cluster.close();
      },
    );
}

function addSsh(aws: Command): void {
  withCluster(
    aws
      .command("ssh")
      .description("Open a shell on a machine: by ssh where the profile has sshPublicKeyFile, else by Session Manager.")
      .argument("<node>", "scheduler, or an instance as `taskflock aws status` names it"),
  ).action(async (node: string, flags: ClusterFlags) => {
    const cluster = await thatIs(flags);
    const [{ findMachine, shellOn }, { become }] = await Promise.all([
      import("../aws/reach.ts"),
      import("../aws/become.ts"),
    ]);
    const program = shellOn(await findMachine(cluster, node), cluster.profile);
    await cluster.close();
    process.exitCode = await become(program);
  });
}

function addDown(aws: Command): void {
  withYes(
    withCluster(
      aws.command("down").description("Remove everything that was made for the cluster, and say what it cost."),
    ),
  ).action(async (flags: ClusterFlags & { readonly yes?: true }) => {
    const cluster = await thatIs(flags);
    const { down } = await import("../aws/down.ts");
    if (!(await down(cluster, { confirm: confirmation(flags) }))) nothingDone();
    await cluster.close();
  });
}

function withCluster(command: Command): Command {
  return command.addOption(
    flag("--cluster <name>", "which cluster (default: the current context's, or the only one)", "AWS_CLUSTER"),
  );
}

function withProfile(command: Command): Command {
  return withCluster(command)
    .addOption(
      flag(
        "--profile <file>",
        "JSON of what differs from the defaults (default: what the cluster was started with)",
        "AWS_PROFILE_FILE",
      ),
    )
    .option("--set <key=value>", "one key of the profile; may be said more than once", again, [])
    .option("--save", "write what differs from the defaults, with --set, to the profile's file")
    .addHelpText("after", () => `\n${keysHelp}`);
}

const keysHelp =
  "Keys of profiles are the variables of the Terraform module in camel case, such as contact and department, which are needed, region,\n" +
  "instanceType, spotPrice, workersNum, workersMax, dockerRegistry, imageDigest, clusterExpiration, maxCost: docs/deploy-aws.md lists them.";

function withYes(command: Command): Command {
  return command.option("--yes", "do not ask");
}

function withRetireTimeout(command: Command): Command {
  return command.addOption(
    flag("--retire-timeout <time>", "how long a worker that is to go may finish what it runs", "AWS_RETIRE_TIMEOUT")
      .default(600_000, "10m")
      .argParser(duration),
  );
}

/** The cluster of the profile, whether it is there or not. */
async function toStart(flags: ProfileFlags): Promise<AwsStack> {
  const [{ AwsStack: Cluster, knownKeys }, profiles] = await Promise.all([
    import("../aws/cluster.ts"),
    import("../aws/profile.ts"),
  ]);
  const keys = knownKeys();
  const settings = flags.set.map((text) => profiles.readSetting(text, keys));
  const name = flags.cluster === undefined ? {} : { clusterName: flags.cluster };
  const base = await baseOf(flags, settings);
  const said = profiles.differing(Object.assign({}, base, ...settings, name), keys);
  if (flags.save === true) {
    if (flags.profile === undefined)
      throw new FlockError("FLOCK_PROFILE_INVALID", "--save needs to know where to: --profile FILE.");
    profiles.writeProfile(flags.profile, said);
    printLine(`${flags.profile}: ${Object.keys(said).join(", ")}`);
  }
  return new Cluster(said, printLine);
}

/** What is changed: the profile's file, or what the cluster was started with. */
async function baseOf(flags: ProfileFlags, settings: readonly Profile[]): Promise<Profile> {
  const [{ knownKeys }, { readProfile }, { Stack }, { existsSync }] = await Promise.all([
    import("../aws/cluster.ts"),
    import("../aws/profile.ts"),
    import("../aws/stack.ts"),
    import("node:fs"),
  ]);
  if (flags.profile !== undefined)
    return flags.save === true && !existsSync(flags.profile) ? {} : readProfile(flags.profile, knownKeys());
  const named = settings.map(({ clusterName }) => clusterName).find((name) => name !== undefined);
  return new Stack(flags.cluster ?? String(named ?? "taskflock")).profile() ?? {};
}

/** One that was started from this machine. */
async function thatIs({ cluster }: ClusterFlags): Promise<AwsStack> {
  const [{ AwsStack: Cluster }, { findStack }, { currentContextName }] = await Promise.all([
    import("../aws/cluster.ts"),
    import("../aws/stack.ts"),
    import("@taskflock/protocol/code"),
  ]);
  return Cluster.of(findStack(cluster, currentContextName()), printLine);
}

function confirmation({ yes }: { readonly yes?: true }): () => Promise<boolean> {
  return async () => {
    if (yes === true) return true;
    const { stdin, stdout } = process;
    if (!stdin.isTTY) {
      printLine("There is no terminal to ask on: --yes says yes.");
      return false;
    }
    const { createInterface } = await import("node:readline/promises");
    const asking = createInterface({ input: stdin, output: stdout });
    // Ctrl-C and Ctrl-D close it, and the question would stay open.
    const left = new Promise<string>((resolve) => asking.once("close", () => resolve("no")));
    const answer = await Promise.race([asking.question("Go on? (yes/no) ").catch(() => "no"), left]);
    asking.close();
    return /^y(es)?$/i.test(answer.trim());
  };
}

function nothingDone(): void {
  printLine("Nothing was changed.");
  process.exitCode = 1;
}
