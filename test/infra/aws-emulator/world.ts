// What there is in the account: plain maps that the actions change. Nothing is kept between runs.
import type { Hardware } from "./hardware.ts";
import type { Input } from "./input.ts";

export type Tags = Map<string, string>;

export interface Tagged {
  readonly tags: Tags;
}

export interface Subnet extends Tagged {
  readonly id: string;
  readonly zone: string;
  readonly cidr: string;
  /** Of the next instance there. */
  nextHost: number;
}

export interface SecurityGroup extends Tagged {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** By id. Every group begins with one that lets everything out. */
  readonly rules: Map<string, SecurityGroupRule>;
}

export interface SecurityGroupRule extends Tagged {
  readonly id: string;
  readonly isEgress: boolean;
  readonly protocol: string;
  readonly fromPort: number;
  readonly toPort: number;
  readonly description: string | undefined;
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
  readonly group: string | undefined;
}

export type InstanceState = "pending" | "running" | "shutting-down" | "terminated";

/** What a request, a launch template, and the two together ask of an instance. */
export interface LaunchOptions {
  readonly imageId: string;
  readonly instanceType: string;
  readonly keyName: string | undefined;
  /** Base64, as it came. */
  readonly userData: string;
  readonly profile: string | undefined;
  readonly subnet: string;
  readonly securityGroups: readonly string[];
  readonly privateIp: string | undefined;
  readonly isSpot: boolean;
  readonly hopLimit: number;
  readonly shutdownBehavior: string;
  readonly disk: Disk;
  readonly instanceTags: Tags;
  readonly volumeTags: Tags;
}

export interface Disk {
  readonly device: string;
  readonly sizeGb: number;
  readonly type: string;
  readonly encrypted: boolean;
}

export interface Instance extends Tagged {
  readonly id: string;
  readonly launched: Date;
  readonly options: LaunchOptions;
  readonly privateIp: string;
  readonly publicIp: string;
  readonly volume: Volume;
  /** Of the Auto Scaling group, where one started it. */
  readonly group: string | undefined;
  /** The launch template and its version, where it is from one. */
  readonly template: { readonly id: string; readonly version: number } | undefined;
  state: InstanceState;
  /** Why it ended, as EC2 says it. */
  reason: string;
  /** What the metadata service says of its end: AWS takes the spot instance back. */
  spotEnd: Date | undefined;
  rebalance: Date | undefined;
}

export interface Volume extends Tagged {
  readonly id: string;
}

export interface LaunchTemplate extends Tagged {
  readonly id: string;
  readonly name: string;
  readonly created: Date;
  /** By number, less one: the data as it was asked for. */
  readonly versions: { readonly data: Input; readonly description: string | undefined }[];
  defaultVersion: number;
}

export interface Parameter extends Tagged {
  readonly name: string;
  readonly type: string;
  readonly keyId: string | undefined;
  readonly description: string | undefined;
  value: string;
  version: number;
  changed: Date;
}

export interface Role extends Tagged {
  readonly name: string;
  readonly id: string;
  readonly created: Date;
  readonly trust: string;
  readonly policies: Map<string, string>;
}

export interface InstanceProfile extends Tagged {
  readonly name: string;
  readonly id: string;
  readonly created: Date;
  role: string | undefined;
}

export interface KeyPair extends Tagged {
  readonly id: string;
  readonly name: string;
  readonly publicKey: string;
}

export interface Repository extends Tagged {
  readonly name: string;
  readonly created: Date;
  readonly mutability: string;
  readonly scanOnPush: boolean;
  readonly encryption: string;
  lifecyclePolicy: string | undefined;
}

/** What plays ECR's data plane: where images are pushed to and pulled from. */
export interface Registry {
  /** Host and port, as images are named by. */
  readonly host: string;
  /** Of the user AWS. */
  readonly password: string;
}

export interface ScheduledAction {
  readonly name: string;
  readonly start: Date;
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly desired: number | undefined;
}

export interface Refresh {
  readonly id: string;
  readonly started: Date;
  status: "InProgress" | "Successful" | "Failed";
}

export interface GroupTag {
  readonly key: string;
  readonly value: string;
  readonly propagates: boolean;
}

export interface AutoScalingGroup {
  readonly name: string;
  readonly created: Date;
  readonly scheduled: Map<string, ScheduledAction>;
  readonly refreshes: Refresh[];
  readonly tags: Map<string, GroupTag>;
  /** As it was asked for last. */
  settings: Input;
  min: number;
  max: number;
  desired: number;
}

export interface WorldOptions {
  /** Default: a name as ECR's, with nothing behind it. */
  readonly registry?: Registry;
  readonly region?: string;
  /** The first two numbers of the default VPC's addresses, e.g. "10.0". */
  readonly network?: string;
  /** What starts and ends machines. Without one, instances are records that run at once. */
  readonly hardware?: Hardware;
}

export class World {
  readonly account = "123456789012";
  readonly region: string;
  readonly network: string;
  readonly vpc = "vpc-0123456789abcdef0";
  readonly hardware: Hardware | undefined;
  readonly registry: Registry;
  readonly repositories: Map<string, Repository> = new Map();
  readonly subnets: Map<string, Subnet>;
  readonly securityGroups: Map<string, SecurityGroup> = new Map();
  readonly instances: Map<string, Instance> = new Map();
  readonly templates: Map<string, LaunchTemplate> = new Map();
  readonly groups: Map<string, AutoScalingGroup> = new Map();
  readonly keyPairs: Map<string, KeyPair> = new Map();
  readonly parameters: Map<string, Parameter> = new Map();
  readonly roles: Map<string, Role> = new Map();
  readonly profiles: Map<string, InstanceProfile> = new Map();
  /** Which role an access key is of; other keys are those of an administrator. */
  readonly sessions: Map<string, string> = new Map();
  #ids = 0;
  #ahead = 0;

  constructor({ region = "us-east-1", network = "10.0", hardware, registry }: WorldOptions = {}) {
    this.region = region;
    this.network = network;
    this.hardware = hardware;
    this.registry = registry ?? { host: `${this.account}.dkr.ecr.${region}.amazonaws.com`, password: "none" };
    const zones = ["a", "b"].map((letter, i) => {
      const subnet = { zone: `${region}${letter}`, cidr: `${network}.${i + 1}.0/24`, nextHost: 10, tags: new Map() };
      return { id: `subnet-0${letter}0000000000000${letter}0`, ...subnet };
    });
    this.subnets = new Map(zones.map((subnet) => [subnet.id, subnet]));
    this.#addDefaultGroup();
  }

  /** e.g. i-00000000000000001 */
  id(prefix: string): string {
    this.#ids += 1;
    return `${prefix}-${this.#ids.toString(16).padStart(17, "0")}`;
  }

  arn(service: string, resource: string): string {
    const region = service === "iam" || service === "sts" ? "" : this.region;
    return `arn:aws:${service}:${region}:${this.account}:${resource}`;
  }

  now(): Date {
    return new Date(Date.now() + this.#ahead);
  }

  /** What is due meanwhile happens with the next look (`AwsEmulator.advance`). */
  skip(ms: number): void {
    this.#ahead += ms;
  }

  #addDefaultGroup(): void {
    const id = "sg-0123456789abcdef0";
    this.securityGroups.set(id, { id, name: "default", description: "default", rules: new Map(), tags: new Map() });
  }
}
