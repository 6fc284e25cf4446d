// The AWS services that are asked, each loaded and connected to when it is first needed.

import { awsError, loadAws } from "./sdk.ts";

export interface Service<Sdk, Connection> {
  readonly sdk: Sdk;
  readonly client: Connection;
}

interface Closable {
  destroy(): void;
}

/** Prices are asked in one region, whichever they are of. */
const PRICING_REGION = "us-east-1";

export class AwsClients {
  readonly region: string;
  readonly #open: Map<string, Promise<Service<unknown, Closable>>> = new Map();

  constructor(region: string) {
    this.region = region;
  }

  /** Asks, with what is said when it fails: "look for the image". Rejects with FLOCK_AWS_…. */
  async ask<T>(what: string, asking: () => Promise<T>): Promise<T> {
    try {
      return await asking();
    } catch (error) {
      throw awsError(error, what);
    }
  }

  ec2(): Promise<Service<typeof import("@aws-sdk/client-ec2"), import("@aws-sdk/client-ec2").EC2Client>> {
    const load = () => import("@aws-sdk/client-ec2");
    return this.#service("@aws-sdk/client-ec2", load, (sdk) => new sdk.EC2Client({ region: this.region }));
  }

  autoScaling(): Promise<
    Service<typeof import("@aws-sdk/client-auto-scaling"), import("@aws-sdk/client-auto-scaling").AutoScalingClient>
  > {
    const load = () => import("@aws-sdk/client-auto-scaling");
    return this.#service(
      "@aws-sdk/client-auto-scaling",
      load,
      (sdk) => new sdk.AutoScalingClient({ region: this.region }),
    );
  }

  ecr(): Promise<Service<typeof import("@aws-sdk/client-ecr"), import("@aws-sdk/client-ecr").ECRClient>> {
    const load = () => import("@aws-sdk/client-ecr");
    return this.#service("@aws-sdk/client-ecr", load, (sdk) => new sdk.ECRClient({ region: this.region }));
  }

  ssm(): Promise<Service<typeof import("@aws-sdk/client-ssm"), import("@aws-sdk/client-ssm").SSMClient>> {
    const load = () => import("@aws-sdk/client-ssm");
    return this.#service("@aws-sdk/client-ssm", load, (sdk) => new sdk.SSMClient({ region: this.region }));
  }

  sts(): Promise<Service<typeof import("@aws-sdk/client-sts"), import("@aws-sdk/client-sts").STSClient>> {
    const load = () => import("@aws-sdk/client-sts");
    return this.#service("@aws-sdk/client-sts", load, (sdk) => new sdk.STSClient({ region: this.region }));
  }

  quotas(): Promise<
    Service<
      typeof import("@aws-sdk/client-service-quotas"),
      import("@aws-sdk/client-service-quotas").ServiceQuotasClient
    >
  > {
    const load = () => import("@aws-sdk/client-service-quotas");
    return this.#service(
      "@aws-sdk/client-service-quotas",
      load,
      (sdk) => new sdk.ServiceQuotasClient({ region: this.region }),
    );
  }

  pricing(): Promise<
    Service<typeof import("@aws-sdk/client-pricing"), import("@aws-sdk/client-pricing").PricingClient>
  > {
    const load = () => import("@aws-sdk/client-pricing");
    return this.#service("@aws-sdk/client-pricing", load, (sdk) => new sdk.PricingClient({ region: PRICING_REGION }));
  }

  /** Ends the connections. */
  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const service of await Promise.allSettled(open))
      if (service.status === "fulfilled") service.value.client.destroy();
  }

  #service<Sdk, Connection extends Closable>(
    name: string,
    load: () => Promise<Sdk>,
    connect: (sdk: Sdk) => Connection,
  ): Promise<Service<Sdk, Connection>> {
    const opened = this.#open.get(name) ?? loadAws(name, load).then((sdk) => ({ sdk, client: connect(sdk) }));
    this.#open.set(name, opened as Promise<Service<unknown, Closable>>);
    return opened as Promise<Service<Sdk, Connection>>;
  }
}
