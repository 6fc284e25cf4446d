// A person on a machine of the cluster: a shell there, and what its journal says.

import { setTimeout as sleep } from "node:timers/promises";
import { FlockError, isFlockError } from "@taskflock/protocol/words";
import type { AwsClients } from "./clients.ts";
import type { AwsStack } from "./cluster.ts";
import { type Machine, machinesOf } from "./machines.ts";

const ASK_MS = 1_000;
const PATIENCE_MS = 60_000;
const FOLLOW_MS = 5_000;
/** AWS gives the first 24,000 characters of what a command printed: the cursor, which is last, would be cut off. */
const MOST_BYTES = 20_000;

/** The machine that is meant: "scheduler", or an instance's id, or the beginning of one. Rejects with FLOCK_AWS_NOT_READY. */
export async function findMachine(cluster: AwsStack, node: string): Promise<Machine> {
  const machines = (await machinesOf(cluster.aws, cluster.tag)).filter(({ endedMs }) => endedMs === null);
  const meant = machines.filter(({ id, role }) => (node === "scheduler" ? role === "scheduler" : id.startsWith(node)));
  const [machine] = meant;
  if (machine !== undefined && meant.length === 1) return machine;
  const known = machines.map(({ id, role }) => `${id} (${role})`).join(", ") || "none";
  const what =
    meant.length > 1 ? `${node} is the beginning of several machines' names.` : `There is no machine ${node}.`;
  throw new FlockError("FLOCK_AWS_NOT_READY", `${what} There are: ${known}.`);
}

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  /** Where to get it. */
  readonly from: string;
}

/** What gives a shell there: ssh where the cluster has a key, else Session Manager. Pure. */
export function shellOn(
  machine: Pick<Machine, "id" | "publicIp" | "privateIp">,
  { region, sshPublicKeyFile }: { readonly region: string; readonly sshPublicKeyFile: string | null },
): Program {
  const address = machine.publicIp ?? machine.privateIp;
  if (sshPublicKeyFile !== null && address !== null) {
    const key = sshPublicKeyFile.replace(/\.pub$/, "").replace(/^~(?=\/)/, process.env["HOME"] ?? "~");
    return { command: "ssh", args: ["-i", key, `ec2-user@${address}`], from: "OpenSSH" };
  }
  const from =
    "the AWS CLI (https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html) and its Session Manager plugin";
  return { command: "aws", args: ["ssm", "start-session", "--region", region, "--target", machine.id], from };
}

/** The last lines of a unit's journal; then, with `cursor`, what came after it. It is one line of shell. Pure. */
export function journalCommand({ lines, cursor }: { readonly lines: number; readonly cursor: string | null }): string {
  // A cursor is made of such characters only; anything else would be a command.
  if (cursor !== null && !/^[\w=;-]+$/.test(cursor)) throw new Error(`no cursor of a journal: ${cursor}`);
  const from = cursor === null ? `--lines ${lines}` : `--after-cursor '${cursor}'`;
  return `journalctl --unit taskflock --unit cloud-final --output short-iso --no-pager --show-cursor ${from} | tail --bytes ${MOST_BYTES}`;
}

/** What it printed, and the cursor with which to go on. Pure. */
export function journalIn(output: string): { readonly lines: readonly string[]; readonly cursor: string | null } {
  const all = output.split("\n").filter((line) => line !== "" && line !== "-- No entries --");
  const cursor = all.map((line) => /^-- cursor: (\S+)$/.exec(line)?.[1]).find((found) => found !== undefined);
  return { lines: all.filter((line) => !line.startsWith("-- cursor: ")), cursor: cursor ?? null };
}

/** Runs a line of shell on the machine, as its agent does for Session Manager. Rejects with FLOCK_AWS_COMMAND. */
export async function runOn(aws: AwsClients, id: string, command: string): Promise<string> {
  const { sdk, client } = await aws.ssm();
  const sent = await aws.ask(`run a command on ${id}`, () =>
    client.send(
      new sdk.SendCommandCommand({
        DocumentName: "AWS-RunShellScript",
        InstanceIds: [id],
        Parameters: { commands: [command] },
      }),
    ),
  );
  const asked = { CommandId: sent.Command?.CommandId ?? "", InstanceId: id };
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const run = await aws.ask(`read what a command on ${id} printed`, async () => {
      try {
        return await client.send(new sdk.GetCommandInvocationCommand(asked));
      } catch (error) {
        if ((error as Error).name === "InvocationDoesNotExist") return null; // not yet
        throw error;
      }
    });
    if (run?.Status === "Success") return run.StandardOutputContent ?? "";
    const isOpen = run === null || ["Pending", "InProgress", "Delayed"].includes(run.Status ?? "");
    if (!isOpen || performance.now() > deadline) {
      const why =
        run === null ? "the machine's agent did not answer" : `${run.Status}: ${run.StandardErrorContent ?? ""}`;
      throw new FlockError("FLOCK_AWS_COMMAND", `${command} on ${id}: ${why.trim()}`);
    }
    await sleep(ASK_MS);
  }
}

const ofTheMachine: ReadonlySet<string> = new Set(["FLOCK_AWS_FAILED", "FLOCK_AWS_COMMAND"]);

export interface LogOptions {
  /** Empty: all machines. */
  readonly nodes: readonly string[];
  readonly lines: number;
  readonly follow: boolean;
  readonly signal: AbortSignal;
  readonly followMs?: number;
}

/** Says what the machines' journals say, each line with its machine before it. */
export async function tellLogs(cluster: AwsStack, options: LogOptions): Promise<void> {
  const { aws, say } = cluster;
  const { nodes, lines, follow, signal, followMs = FOLLOW_MS } = options;
  const all = (): Promise<readonly Machine[]> =>
    machinesOf(aws, cluster.tag).then((machines) => machines.filter(({ endedMs }) => endedMs === null));
  const machines =
    nodes.length === 0 ? await all() : await Promise.all(nodes.map((node) => findMachine(cluster, node)));
  const cursors = new Map<string, string>();
  do {
    for (const { id } of machines) {
      const cursor = cursors.get(id) ?? null;
      const printed = await runOn(aws, id, journalCommand({ lines, cursor })).catch((error: unknown) => {
        if (nodes.length > 0 || !isFlockError(error) || !ofTheMachine.has(error.code)) throw error;
        say(`${id}  ${error.message}`); // it boots, perhaps: the others are asked all the same
        return "";
      });
      const read = journalIn(printed);
      for (const line of read.lines) say(`${id}  ${line}`);
      if (read.cursor !== null) cursors.set(id, read.cursor);
    }
    if (follow) await sleep(followMs, undefined, { signal }).catch(() => undefined);
  } while (follow && !signal.aborted);
}
