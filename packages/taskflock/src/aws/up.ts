// Starts a cluster, or brings it to what its profile says now. Safe to repeat: each step looks at what there is.

import type { Client } from "@taskflock/client";
import { chooseContext, saveContext } from "@taskflock/protocol/links";
import { FlockError } from "@taskflock/protocol/words";
import { initCertificates } from "../certs/certificates.ts";
import { terraformModule } from "../terraform-module.ts";
import type { AwsStack } from "./cluster.ts";
import { estimate } from "./estimate.ts";
import { awaitJoined, type JoiningParts, reachScheduler } from "./joining.ts";
import { groupOf } from "./machines.ts";
import { changesOf, countsLine, type PlannedChange, summarise } from "./plan.ts";
import { outdated, type ResizeParts, rollWorkers, scaleTo } from "./resize.ts";
import type { StackFacts } from "./stack.ts";
import { terraformFailed } from "./terraform.ts";

const ADDRESS_OF_CALLER = "https://checkip.amazonaws.com";
const CERTIFICATE_DAYS = 365;
const AUTHORITY_DAYS = 3650;
/** Another `taskflock aws` that works on the cluster may end soon. */
const LOCK = "-lock-timeout=60s";

export interface UpOptions {
  /** Asked before anything is made or changed. */
  readonly confirm: () => Promise<boolean>;
  /** How long the scheduler, and then the workers, may take to be there. */
  readonly timeoutMs: number;
  /** How long a worker that makes room for a new one may take to retire. */
  readonly retireMs: number;
  readonly lookMs?: number;
}

/** False: the answer was no, and nothing was changed. Rejects with FLOCK_TERRAFORM_… and FLOCK_AWS_…. */
export async function up(cluster: AwsStack, options: UpOptions): Promise<boolean> {
  const { stack, say } = cluster;
  const isNew = !stack.exists;
  let planned: "nothing" | "changes" | "refused" = "refused";
  try {
    planned = await plan(cluster, options);
  } finally {
    if (isNew && planned === "refused") stack.remove();
  }
  if (planned === "refused") return false;
  stack.saveProfile(cluster.said);
  if (planned === "changes") await apply(cluster, options);
  stack.saveFacts(await readFacts(cluster));
  const facts = cluster.mustFacts();
  saveContext(stack.name, {
    address: facts.address,
    tokenFile: stack.tokenFile,
    dashboard: facts.dashboard,
    ...(facts.caFile === null ? {} : { caFile: facts.caFile }),
  });
  chooseContext(stack.name);
  say(`The connection context ${stack.name} is current: Client.connect() and all commands find the cluster.`);
  await complete(cluster, facts, options);
  return true;
}

/** Until the scheduler answers, and as many workers as are wanted have joined, all of the newest profile. */
async function complete(cluster: AwsStack, facts: StackFacts, options: UpOptions): Promise<void> {
  const { aws, say } = cluster;
  const { timeoutMs, retireMs, lookMs } = options;
  const connect = (): Promise<Client> => cluster.connect("taskflock aws up");
  const joining: JoiningParts = { aws, facts, connect, say, timeoutMs, ...(lookMs === undefined ? {} : { lookMs }) };
  const client = await reachScheduler(joining);
  try {
    const parts: ResizeParts = { aws, client, group: facts.group, say, retireMs };
    const group = await groupOf(aws, facts.group);
    if (group !== null && outdated(group).length > 0)
      await rollWorkers(parts, async () => {
        await awaitJoined(client, joining);
      });
    const joined = await awaitJoined(client, joining);
    say(
      `The cluster is there: ${joined} workers, ${facts.address}, page ${facts.dashboard}, until ${facts.expiresAt}.`,
    );
  } finally {
    await client.close();
  }
}

async function plan(cluster: AwsStack, { confirm }: UpOptions): Promise<"nothing" | "changes" | "refused"> {
  const { stack, say, profile, aws } = cluster;
  await cluster.terraformVersion();
  await configure(cluster);
  const terraform = cluster.terraform();
  await terraform.must(["init", "-input=false", "-no-color"]);
  const planned = await terraform.run(["plan", "-input=false", "-no-color", LOCK, "-detailed-exitcode", "-out=plan"]);
  if (planned.code !== 0 && planned.code !== 2) throw terraformFailed("plan", planned);
  const { stdout } = await terraform.must(["show", "-json", "plan"]);
  const summary = summarise((JSON.parse(stdout) as { resource_changes?: PlannedChange[] }).resource_changes ?? []);
  if (changesOf(summary) === 0) {
    say(`${stack.name}: everything is as the profile says.`);
    // What the outputs tell of the profile may be other words.
    if (planned.code === 2) await terraform.must(["apply", "-input=false", "-no-color", LOCK, "plan"]);
    return "nothing";
  }
  say(`${stack.name} in ${profile.region}: ${countsLine(summary)}`);
  for (const sentence of summary.sentences) say(sentence);
  for (const line of await estimate(aws, profile)) say(line);
  return (await confirm()) ? "changes" : "refused";
}

async function configure(cluster: AwsStack): Promise<void> {
  const { stack, profile, said } = cluster;
  const module = terraformModule();
  // Workers are rolled here, by retire, and not by the group.
  const more: Record<string, unknown> = { token_version: 1, worker_replacement: "none" };
  if (said["adminCidrs"] === undefined) more["admin_cidrs"] = [`${await addressOfCaller()}/32`];
  if (usesCertificates(cluster)) {
    const always = { days: CERTIFICATE_DAYS, caDays: AUTHORITY_DAYS, present: "keep" } as const;
    await initCertificates(stack.certificates, { hosts: [], ...always });
    more["certificates"] = stack.certificates;
  }
  stack.configure(module, profile, more);
}

/** Unless the profile has certificates of its own, or wants none. */
function usesCertificates({ said, profile }: AwsStack): boolean {
  const flags = profile["schedulerArguments"];
  const isPlain = Array.isArray(flags) && flags.includes("--insecure");
  return !isPlain && said["certificates"] === undefined && said["schedulerSecrets"] === undefined;
}

async function addressOfCaller(): Promise<string> {
  try {
    const answer = await fetch(ADDRESS_OF_CALLER, { signal: AbortSignal.timeout(10_000) });
    const text = (await answer.text()).trim();
    if (answer.ok && /^\d+\.\d+\.\d+\.\d+$/.test(text)) return text;
    throw new Error(`it answered ${answer.status}`);
  } catch (cause) {
    const message = `${ADDRESS_OF_CALLER} does not say from which address you come (${(cause as Error).message}). Give it: --set adminCidrs=203.0.113.7/32, or --set adminCidrs= for nobody.`;
    throw new FlockError("FLOCK_PROFILE_INVALID", message, { cause });
  }
}

async function apply(cluster: AwsStack, options: UpOptions): Promise<void> {
  await shrinkFirst(cluster, options);
  cluster.say("terraform apply:");
  const applied = await cluster.terraform().run(["apply", "-input=false", "-no-color", LOCK, "plan"], { show: true });
  if (applied.code === 0) return;
  const error = terraformFailed("apply", applied);
  const rest = "What was made is kept, and known: taskflock aws up goes on from there, taskflock aws down removes it.";
  throw new FlockError(error.code, `${error.message}\n${rest}`);
}

/** Of a group that becomes smaller, Auto Scaling would end any: here the idlest retire. */
async function shrinkFirst(cluster: AwsStack, { retireMs }: UpOptions): Promise<void> {
  const { aws, profile, say } = cluster;
  const facts = cluster.facts();
  const group = facts === null ? null : await groupOf(aws, facts.group);
  if (group === null || group.desired <= profile.workersNum) return;
  const client = await cluster.connect("taskflock aws up").catch(() => null); // the scheduler may be what is broken
  if (client === null) return;
  try {
    await scaleTo({ aws, client, group: group.name, say, retireMs }, profile.workersNum);
  } finally {
    await client.close();
  }
}

interface Outputs {
  readonly scheduler_info: { readonly value: { readonly instance_id: string; readonly address: string } };
  readonly workers_info: { readonly value: { readonly autoscaling_group: string } };
  readonly scheduler_status: { readonly value: string };
  readonly image: { readonly value: string };
  readonly expires_at: { readonly value: string };
}

async function readFacts(cluster: AwsStack): Promise<StackFacts> {
  const { stdout } = await cluster.terraform().must(["output", "-json", "-no-color"]);
  const outputs = JSON.parse(stdout) as Outputs;
  const group = outputs.workers_info.value.autoscaling_group;
  return {
    region: cluster.profile.region,
    cluster: group.replace(/-workers$/, ""),
    group,
    schedulerId: outputs.scheduler_info.value.instance_id,
    address: outputs.scheduler_info.value.address,
    dashboard: outputs.scheduler_status.value,
    caFile: usesCertificates(cluster) ? `${cluster.stack.certificates}/ca.pem` : null,
    image: outputs.image.value,
    expiresAt: outputs.expires_at.value,
    startedAt: cluster.facts()?.startedAt ?? new Date().toISOString(),
  };
}
