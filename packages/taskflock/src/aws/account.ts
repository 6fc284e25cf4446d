// What an AWS account has and may: who asks, images, AMIs, quotas, and what instance types are like.

import type { AwsClients } from "./clients.ts";

const nameOf = (error: unknown): string => (error as Partial<Error>)?.name ?? "";

export interface Identity {
  readonly account: string;
  readonly arn: string;
}

export async function identity(aws: AwsClients): Promise<Identity> {
  const { sdk, client } = await aws.sts();
  const { Account = "", Arn = "" } = await aws.ask("ask who the credentials are", () =>
    client.send(new sdk.GetCallerIdentityCommand({})),
  );
  return { account: Account, arn: Arn };
}

export interface ImagePlace {
  readonly registryId?: string;
  readonly repository: string;
  /** Tag, or digest. */
  readonly image: { readonly imageTag: string } | { readonly imageDigest: string };
}

export type FoundImage = { readonly pushedAt: Date | null; readonly bytes: number } | "no repository" | "no image";

export async function findImage(aws: AwsClients, { registryId, repository, image }: ImagePlace): Promise<FoundImage> {
  const { sdk, client } = await aws.ecr();
  const wanted = { repositoryName: repository, imageIds: [image], ...(registryId === undefined ? {} : { registryId }) };
  return aws.ask(`look for an image in ${repository}`, async () => {
    try {
      const { imageDetails: [found] = [] } = await client.send(new sdk.DescribeImagesCommand(wanted));
      if (found === undefined) return "no image";
      return { pushedAt: found.imagePushedAt ?? null, bytes: found.imageSizeInBytes ?? 0 };
    } catch (error) {
      if (nameOf(error) === "RepositoryNotFoundException") return "no repository";
      if (nameOf(error) === "ImageNotFoundException") return "no image";
      throw error;
    }
  });
}

/** A public parameter's value; null when there is none. */
export async function parameter(aws: AwsClients, name: string): Promise<string | null> {
  const { sdk, client } = await aws.ssm();
  return aws.ask(`read the parameter ${name}`, async () => {
    try {
      const { Parameter } = await client.send(new sdk.GetParameterCommand({ Name: name }));
      return Parameter?.Value ?? null;
    } catch (error) {
      if (nameOf(error) === "ParameterNotFound") return null;
      throw error;
    }
  });
}

/** vCPUs of each type that is known here. */
export async function vcpusOf(aws: AwsClients, types: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const { sdk, client } = await aws.ec2();
  // By a filter: one unknown name among ids would fail them all.
  const Filters = [{ Name: "instance-type", Values: [...types] }];
  const vcpus = new Map<string, number>();
  await aws.ask("ask how large the instance types are", async () => {
    // AWS filters page by page: one may be empty, and not the last.
    for await (const { InstanceTypes = [] } of sdk.paginateDescribeInstanceTypes({ client }, { Filters }))
      for (const { InstanceType = "", VCpuInfo } of InstanceTypes) vcpus.set(InstanceType, VCpuInfo?.DefaultVCpus ?? 0);
  });
  return vcpus;
}

/** vCPUs. */
export async function quota(aws: AwsClients, code: string): Promise<number> {
  const { sdk, client } = await aws.quotas();
  const { Quota } = await aws.ask("ask for a quota", () =>
    client.send(new sdk.GetServiceQuotaCommand({ ServiceCode: "ec2", QuotaCode: code })),
  );
  return Quota?.Value ?? 0;
}

/** What became of it, in a sentence. */
export async function requestQuota(aws: AwsClients, code: string, vcpus: number): Promise<string> {
  const { sdk, client } = await aws.quotas();
  const wanted = { ServiceCode: "ec2", QuotaCode: code, DesiredValue: vcpus };
  return aws.ask("ask for a larger quota", async () => {
    try {
      const { RequestedQuota } = await client.send(new sdk.RequestServiceQuotaIncreaseCommand(wanted));
      return `asked for ${vcpus} (${RequestedQuota?.Status ?? "PENDING"}); it takes hours to days`;
    } catch (error) {
      if (nameOf(error) === "ResourceAlreadyExistsException") return "more was asked for already, and is not decided";
      throw error;
    }
  });
}

/** Quotas count vCPUs of a kind of types together. Their codes are AWS's. */
const spotQuotas: readonly (readonly [kind: RegExp, code: string, name: string])[] = [
  [/^(g|vt)\d/, "L-3819A6DF", "spot G and VT"],
  [/^p[234]/, "L-7212CCBC", "spot P2 to P4"],
  [/^p5/, "L-C4BD4855", "spot P5"],
  [/^inf\d/, "L-B5D1601B", "spot Inf"],
  [/^(a|c|d|h|i|m|r|t|z|im|is)\d/, "L-34B43A08", "spot standard"],
];
const onDemandQuotas: readonly (readonly [kind: RegExp, code: string, name: string])[] = [
  [/^(g|vt)\d/, "L-DB2E81BA", "on-demand G and VT"],
  [/^p\d/, "L-417A185B", "on-demand P"],
  [/^(a|c|d|h|i|m|r|t|z|im|is)\d/, "L-1216C47A", "on-demand standard"],
];

export interface QuotaNeed {
  readonly code: string;
  readonly name: string;
  /** vCPUs when all machines are of the smallest type of the kind, and of the largest. */
  readonly least: number;
  readonly most: number;
}

/** Of `count` machines, of any of the types. */
export function quotaNeeds(
  types: readonly string[],
  vcpus: ReadonlyMap<string, number>,
  { count, spot }: { readonly count: number; readonly spot: boolean },
): readonly QuotaNeed[] {
  return (spot ? spotQuotas : onDemandQuotas).flatMap(([kind, code, name]) => {
    const sizes = types.filter((type) => kind.test(type)).flatMap((type) => vcpus.get(type) ?? []);
    if (sizes.length === 0 || count === 0) return [];
    return [{ code, name, least: count * Math.min(...sizes), most: count * Math.max(...sizes) }];
  });
}
