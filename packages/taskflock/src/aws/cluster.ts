// One cluster on AWS, from this machine: its folder, its profile, its clients. What the commands and AwsCluster work with.

import type { Client, ClientOptions } from "@taskflock/client";
import { FlockError } from "@taskflock/protocol/words";
import { terraformModule } from "../terraform-module.ts";
import { AwsClients } from "./clients.ts";
import { type Complete, completeProfile, type Profile, type ProfileValue, profileKeys } from "./profile.ts";
import { keptVariables, Stack, type StackFacts } from "./stack.ts";
import { Terraform } from "./terraform.ts";
import { type ModuleVariable, readVariables } from "./variables.ts";

/** What profiles may say. */
export function knownKeys(): readonly ModuleVariable[] {
  return profileKeys(readVariables(terraformModule()), keptVariables);
}

export class AwsStack {
  readonly stack: Stack;
  /** What differs from the defaults, and the region in any case. */
  readonly said: Profile;
  readonly profile: Complete;
  readonly aws: AwsClients;
  readonly say: (line: string) => void;

  /** Throws FLOCK_PROFILE_INVALID. */
  constructor(said: Profile, say: (line: string) => void) {
    const profile = completeProfile(said, knownKeys());
    // Its folder has the name, before Terraform sees it.
    if (!/^[a-z][a-z0-9-]*$/.test(profile.clusterName)) throw invalidName(profile.clusterName);
    this.stack = new Stack(profile.clusterName);
    const region = keptRegion(this.stack, said["region"]) ?? profile.region;
    this.said = { ...said, region };
    this.profile = { ...profile, region };
    this.aws = new AwsClients(this.profile.region);
    this.say = say;
  }

  /** One that `up` has been asked for. Throws FLOCK_AWS_UNKNOWN_CLUSTER. */
  static of(stack: Stack, say: (line: string) => void): AwsStack {
    const said = stack.profile();
    if (said !== null) return new AwsStack(said, say);
    throw new FlockError(
      "FLOCK_AWS_UNKNOWN_CLUSTER",
      `The cluster ${stack.name} was never started: ${stack.folder} has no profile.`,
    );
  }

  /** The module's name for it: what machines are tagged with, and a repository is called. */
  get tag(): string {
    return this.facts()?.cluster ?? `${this.profile.clusterName}-default`;
  }

  get groupName(): string {
    return this.facts()?.group ?? `${this.tag}-workers`;
  }

  facts(): StackFacts | null {
    return this.stack.facts();
  }

  /** Throws FLOCK_AWS_NOT_READY when no apply has come to its end. */
  mustFacts(): StackFacts {
    const facts = this.facts();
    if (facts !== null) return facts;
    const message = `The cluster ${this.stack.name} has not come up yet. taskflock aws up goes on from where it was.`;
    throw new FlockError("FLOCK_AWS_NOT_READY", message);
  }

  terraform(): Terraform {
    const { own, workers } = this.stack.tokens();
    const env = { TF_VAR_token: own, TF_VAR_worker_token: workers };
    return new Terraform({ folder: this.stack.folder, env, say: this.say });
  }

  /** Rejects with FLOCK_TERRAFORM_MISSING. */
  terraformVersion(): Promise<string> {
    return new Terraform({ folder: process.cwd(), env: {}, say: this.say }).version();
  }

  connect(name: string): Promise<Client> {
    return this.connectWith({ name, logs: "ignore" });
  }

  async connectWith(options: ClientOptions): Promise<Client> {
    const { Client } = await import("@taskflock/client");
    const { address, caFile } = this.mustFacts();
    const tls = caFile === null ? {} : { tls: { caFile } };
    return Client.connect(address, { ...options, tokenFile: this.stack.tokenFile, ...tls });
  }

  async close(): Promise<void> {
    await this.aws.close();
  }
}

/** Where the cluster was started, whatever the environment says now: elsewhere its machines would not be found, and go on. Null: nowhere yet. */
function keptRegion(stack: Stack, said: ProfileValue | undefined): string | null {
  const kept = stack.profile()?.["region"] ?? stack.facts()?.region;
  if (typeof kept !== "string") return null;
  if (said === undefined || said === kept) return kept;
  const message = `The cluster ${stack.name} is in ${kept}, not in ${JSON.stringify(said)}. Take it down first (taskflock aws down --cluster ${stack.name}), or give the new one another clusterName.`;
  throw new FlockError("FLOCK_PROFILE_INVALID", message);
}

function invalidName(name: string): FlockError {
  const message = `${JSON.stringify(name)} is no clusterName: small letters, digits and dashes are, from a letter on, such as "digits".`;
  return new FlockError("FLOCK_PROFILE_INVALID", message);
}
