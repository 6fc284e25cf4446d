// A cluster on AWS for `AwsCluster`.

import { type Check, type Checks, type Client, type ClientOptions, checkOptions, integerFrom } from "@taskflock/client";
import type { AwsFleet } from "@taskflock/cluster";
import { currentContextName } from "@taskflock/protocol/code";
import { FlockError } from "@taskflock/protocol/words";
import type { AwsAttachOptions, AwsClusterOptions } from "../aws-cluster.ts";
import { AwsStack, knownKeys } from "./cluster.ts";
import { down } from "./down.ts";
import { estimatedRate } from "./estimate.ts";
import { awaitJoined } from "./joining.ts";
import { groupOf, setDesired, staying } from "./machines.ts";
import { checkProfile, readProfile, withPaths } from "./profile.ts";
import { endMembers, grownTo, type ResizeParts } from "./resize.ts";
import { scaleCluster } from "./scale.ts";
import { findStack } from "./stack.ts";
import { up } from "./up.ts";

const TIMEOUT_MS = 900_000;
const RETIRE_MS = 600_000;

const text: Check = (value) => (typeof value === "string" && value !== "" ? null : "a string that is not empty");
const MOST_MS = 2 ** 31 - 1; // of a timer

const times = {
  timeoutMs: integerFrom(1, MOST_MS),
  retireMs: integerFrom(0, MOST_MS),
  log: (value: unknown) => (typeof value === "function" ? null : "a function that takes a line"),
};

const startChecks: Checks<AwsClusterOptions> = {
  profile: () => null, // told what is wrong with it below
  // What is no number would bound nothing.
  maxCostPerHour: (value) =>
    typeof value === "number" && value > 0 && Number.isFinite(value) ? null : "a number of USD, more than 0",
  ...times,
};

const attachChecks: Checks<AwsAttachOptions> = { cluster: text, ...times };

export async function startFleet(raw: AwsClusterOptions): Promise<AwsFleet> {
  const options = checkOptions("AwsCluster.start", raw, startChecks);
  const { profile, maxCostPerHour, timeoutMs = TIMEOUT_MS, retireMs = RETIRE_MS } = options;
  const keys = knownKeys();
  const said =
    typeof profile === "string"
      ? readProfile(profile, keys)
      : withPaths(checkProfile(profile, keys, "AwsCluster.start"), ".");
  const cluster = new AwsStack(said, options.log ?? (() => undefined));
  try {
    if (maxCostPerHour !== undefined) {
      const rate = await estimatedRate(cluster.aws, cluster.profile);
      if (rate > maxCostPerHour)
        throw new FlockError(
          "FLOCK_OPTION_INVALID",
          `AwsCluster.start: it would cost about ${rate.toFixed(2)} USD an hour, and maxCostPerHour is ${maxCostPerHour}: start fewer workers, or cheaper ones.`,
        );
    }
    await up(cluster, { confirm: async () => true, timeoutMs, retireMs });
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return new Fleet(cluster, { timeoutMs, retireMs });
}

export async function attachFleet(raw: AwsAttachOptions): Promise<AwsFleet> {
  const options = checkOptions("AwsCluster.attach", raw, attachChecks);
  const { timeoutMs = TIMEOUT_MS, retireMs = RETIRE_MS, log = () => undefined } = options;
  const cluster = AwsStack.of(findStack(options.cluster, currentContextName()), log);
  cluster.mustFacts();
  return new Fleet(cluster, { timeoutMs, retireMs });
}

class Fleet implements AwsFleet {
  readonly name: string;
  readonly address: string;
  readonly dashboardUrl: string;
  readonly expiresAt: string;
  readonly resources: Readonly<Record<string, number>>;
  readonly #cluster: AwsStack;
  readonly #group: string;
  readonly #times: { readonly timeoutMs: number; readonly retireMs: number };
  /** Asked while machines are waited for or ended. */
  #client: Promise<Client> | null = null;

  constructor(cluster: AwsStack, times: { readonly timeoutMs: number; readonly retireMs: number }) {
    const { address, dashboard, expiresAt, group } = cluster.mustFacts();
    this.name = cluster.stack.name;
    this.address = address;
    this.dashboardUrl = dashboard;
    this.expiresAt = expiresAt;
    this.resources = cluster.profile["gpus"] === true ? { GPU: 1 } : {};
    this.#cluster = cluster;
    this.#group = group;
    this.#times = times;
  }

  connect(options: ClientOptions): Promise<Client> {
    return this.#cluster.connectWith(options);
  }

  async members(): Promise<readonly string[]> {
    const group = await groupOf(this.#cluster.aws, this.#group);
    return group === null ? [] : staying(group).map(({ id }) => id);
  }

  async grow(count: number): Promise<number> {
    const { aws } = this.#cluster;
    const group = await groupOf(aws, this.#group);
    const [desired, most] = [group?.desired ?? 0, group?.max ?? 0];
    const wanted = group === null ? count : grownTo(group, count);
    if (wanted > most && desired >= most)
      throw new FlockError(
        "FLOCK_AWS_TOO_MANY",
        `The group ${this.#group} has ${most} workers, and may have no more. Let it: workersMax of the profile.`,
      );
    const next = Math.min(wanted, most);
    if (next > desired) await setDesired(aws, this.#group, next);
    return next - desired;
  }

  async end(names: readonly string[]): Promise<void> {
    await endMembers(await this.#resizing(), names);
  }

  scale(count: number): Promise<void> {
    return scaleCluster(this.#cluster, count, this.#times.retireMs);
  }

  async joined(): Promise<number> {
    const { aws, say } = this.#cluster;
    const { client } = await this.#resizing();
    const connect = (): Promise<Client> => Promise.resolve(client);
    const facts = this.#cluster.mustFacts();
    return awaitJoined(client, { aws, facts, connect, say, timeoutMs: this.#times.timeoutMs });
  }

  async down(): Promise<void> {
    await down(this.#cluster, { confirm: async () => true });
  }

  async close(): Promise<void> {
    const client = await this.#client?.catch(() => null);
    await client?.close();
    await this.#cluster.close();
  }

  async #resizing(): Promise<ResizeParts> {
    this.#client ??= this.#cluster.connect("aws cluster, its machines").catch((error: unknown) => {
      this.#client = null; // the next one tries again
      throw error;
    });
    const { aws, say } = this.#cluster;
    return { aws, client: await this.#client, group: this.#group, say, retireMs: this.#times.retireMs };
  }
}
