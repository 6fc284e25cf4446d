// AwsCluster, told how `taskflock aws` does it.

import { AwsCluster as AnyAwsCluster, type AwsFleet } from "@taskflock/cluster";
import { FlockError } from "@taskflock/protocol/words";

/** What differs from the defaults: the keys of profiles, docs/deploy-aws.md lists them. */
export type AwsProfile = Readonly<
  Record<string, string | number | boolean | null | readonly string[] | Readonly<Record<string, string>>>
>;

export interface AwsClusterOptions {
  /** The profile, or its file. */
  readonly profile: AwsProfile | string;
  /** The most that it may cost an hour, USD, as far as it is known before: more is refused. Default: `maxCost` of the profile alone is a bound. */
  readonly maxCostPerHour?: number;
  /** How long scheduler and workers may take to be there, milliseconds. Default 15 minutes. */
  readonly timeoutMs?: number;
  /** How long a worker that is to go may finish what it runs, milliseconds. Default 10 minutes. */
  readonly retireMs?: number;
  /** Told what is done, a line each. Default: nobody. */
  readonly log?: (line: string) => void;
}

export interface AwsAttachOptions extends Omit<AwsClusterOptions, "profile" | "maxCostPerHour"> {
  /** Which cluster. Default: the current context's, or the only one. */
  readonly cluster?: string;
}

/** A cluster on AWS, started or attached to. See `AwsClusterOptions`. */
export const AwsCluster: {
  /** As `taskflock aws up`, and no question is asked. Rejects with FLOCK_PROFILE_INVALID, FLOCK_TERRAFORM_… and FLOCK_AWS_…; then what was made is left, and known to `taskflock aws`. */
  start(options: AwsClusterOptions): Promise<AnyAwsCluster>;
  /** One that `taskflock aws up` started from this machine. Rejects with FLOCK_AWS_UNKNOWN_CLUSTER and FLOCK_AWS_NOT_READY. */
  attach(options?: AwsAttachOptions): Promise<AnyAwsCluster>;
} = {
  start: async (options) => {
    const { startFleet } = await import("./aws/fleet.ts");
    return clusterOf(await startFleet(options), true);
  },
  attach: async (options = {}) => {
    const { attachFleet } = await import("./aws/fleet.ts");
    return clusterOf(await attachFleet(options), false);
  },
};
export type AwsCluster = AnyAwsCluster;

async function clusterOf(fleet: AwsFleet, ends: boolean): Promise<AnyAwsCluster> {
  try {
    const client = await fleet.connect({ name: "aws cluster", logs: "ignore" });
    return new AnyAwsCluster({ fleet, client, ends });
  } catch (error) {
    await fleet.close();
    if (!(error instanceof FlockError) || !ends) throw error;
    const message = `${error.message} The machines go on: taskflock aws down ends them.`;
    throw new FlockError(error.code, message, { cause: error });
  }
}
