// One cluster on AWS, from this machine: its folder, its profile, its clients. What the commands and AwsCluster work with.

import type { Client, ClientOptions } from "@taskflock/client";
import { FlockError } from "@taskflock/protocol/words";
import { terraformModule } from "../terraform-module.ts";
import { AwsClients } from "./clients.ts";
import { type Complete, completeProfile, type Profile, profileKeys } from "./profile.ts";
import { keptVariables, Stack, type StackFacts } from "./stack.ts";
import { Terraform } from "./terraform.ts";
import { type ModuleVariable, readVariables } from "./variables.ts";

/** What profiles may say. */
export function knownKeys(): readonly ModuleVariable[] {
  return profileKeys(readVariables(terraformModule()), keptVariables);
}

export class AwsStack {
  readonly stack: Stack;
  /** What differs from the defaults. */
  readonly said: Profile;
  readonly profile: Complete;
  readonly aws: AwsClients;
  readonly say: (line: string) => void;

  /** Throws FLOCK_PROFILE_INVALID. */
  constructor(said: Profile, say: (line: string) => void) {
    this.said = said;
    this.profile = completeProfile(said, knownKeys());
    this.stack = new Stack(this.profile.clusterName);
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
