import type { Client } from "@taskflock/client";

/** A cluster on AWS as `AwsCluster` needs it; taskflock gives one that Terraform and AWS's own API stand behind. */
export interface AwsFleet {
  /** Of the cluster, as `taskflock aws` names it. */
  readonly name: string;
  readonly address: string;
  readonly dashboardUrl: string;
  /** When it ends by itself, ISO 8601. */
  readonly expiresAt: string;
  /** What a worker brings, where none is there to ask. */
  readonly resources: Readonly<Record<string, number>>;
  /** A client by the cluster's token and certificates. */
  connect(options: object): Promise<Client>;
  /** Machines that are there or come, as workers are called. */
  members(): Promise<readonly string[]>;
  /**
   * So many machines more than `members` are; resolves with how many were asked for only now. They are not waited for. Rejects with
   * FLOCK_AWS_TOO_MANY.
   */
  grow(count: number): Promise<number>;
  /** Ends exactly these machines, once their workers have left; others take no place of theirs. */
  end(names: readonly string[]): Promise<void>;
  /** So many, by the profile, too: the idlest go, retired before. Those that come are not waited for. */
  scale(count: number): Promise<void>;
  /** Until as many workers as are wanted have joined. Rejects with FLOCK_AWS_NOT_READY. */
  joined(): Promise<number>;
  /** Removes all of it. */
  down(): Promise<void>;
  /** Ends connections to AWS. */
  close(): Promise<void>;
}
