// Is everything there that a cluster needs? One finding for each thing, and what to do about it.

import { FlockError } from "@taskflock/protocol/words";
import {
  findImage,
  type ImagePlace,
  identity,
  parameter,
  quota,
  quotaNeeds,
  requestQuota,
  vcpusOf,
} from "./account.ts";
import type { AwsClients } from "./clients.ts";
import { dollars } from "./cost.ts";
import { offersIn, type SpotOffer, spotPrices } from "./prices.ts";
import { type Complete, typesOf } from "./profile.ts";

export interface Finding {
  readonly ok: boolean;
  readonly what: string;
  /** What to do about it; "": nothing. */
  readonly advice: string;
  readonly details: readonly string[];
}

export interface CheckParts {
  readonly aws: AwsClients;
  readonly profile: Complete;
  /** Name of the repository that the module makes when `dockerRegistry` is not given. */
  readonly repository: string;
  readonly terraformVersion: () => Promise<string>;
  readonly requestQuota: boolean;
}

type Check = (parts: CheckParts) => Promise<readonly Finding[]>;

/** In order, each as soon as it is known. */
export async function* check(parts: CheckParts): AsyncGenerator<Finding> {
  const checks: readonly Check[] = [checkIdentity, checkTerraform, checkImage, checkAmis, checkSpot, checkQuotas];
  for (const one of checks) yield* await one(parts).catch((error: unknown) => [failed(error)]);
}

const well = (what: string, details: readonly string[] = []): Finding => ({ ok: true, what, advice: "", details });
const bad = (what: string, advice: string, details: readonly string[] = []): Finding => ({
  ok: false,
  what,
  advice,
  details,
});

/** Where what to do is in the message itself. */
function failed(error: unknown): Finding {
  if (error instanceof FlockError) return bad(`${error.message} (${error.code})`, "");
  throw error;
}

async function checkIdentity({ aws }: CheckParts): Promise<readonly Finding[]> {
  const { account, arn } = await identity(aws);
  return [well(`AWS: ${arn}, account ${account}, region ${aws.region}`)];
}

async function checkTerraform({ terraformVersion }: CheckParts): Promise<readonly Finding[]> {
  return [well(`Terraform ${await terraformVersion()}`)];
}

/** Account, region and repository of a registry in ECR. */
const ecrRegistry = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/(.+)$/;

async function checkImage({ aws, profile, repository }: CheckParts): Promise<readonly Finding[]> {
  const { dockerRegistry, imageTag, imageDigest } = profile;
  const [, registryId, , given] = ecrRegistry.exec(dockerRegistry ?? "") ?? [];
  if (dockerRegistry !== null && given === undefined)
    return [well(`image: ${dockerRegistry} is not in ECR; whether it is there was not looked at`)];
  const image: ImagePlace["image"] = imageDigest === null ? { imageTag } : { imageDigest };
  const name = `${given ?? repository}${imageDigest === null ? `:${imageTag}` : `@${imageDigest}`}`;
  const place = { repository: given ?? repository, image, ...(registryId === undefined ? {} : { registryId }) };
  const found = await findImage(aws, place);
  const push =
    "taskflock image build --target gpu && taskflock image push taskflock:gpu, and give what it prints: dockerRegistry and imageDigest";
  if (found === "no repository") return [bad(`image: there is no repository ${place.repository} in ECR`, push)];
  if (found === "no image") return [bad(`image: ${name} is not in ECR`, push)];
  const pushed =
    found.pushedAt === null ? "" : `, pushed ${found.pushedAt.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  return [well(`image: ${name}, ${Math.round(found.bytes / 1e6)} MB${pushed}`)];
}

async function checkAmis({ aws, profile }: CheckParts): Promise<readonly Finding[]> {
  const amis = [
    ["workers' AMI", "workerAmiParameter"],
    ["scheduler's AMI", "schedulerAmiParameter"],
  ] as const;
  const findings: Finding[] = [];
  for (const [what, key] of amis) {
    const ami = await parameter(aws, profile[key]);
    if (ami !== null) findings.push(well(`${what}: ${ami}`));
    else findings.push(bad(`${what}: ${aws.region} has no parameter ${profile[key]}`, `give another by ${key}`));
  }
  return findings;
}

async function checkSpot({ aws, profile }: CheckParts): Promise<readonly Finding[]> {
  const types = typesOf(profile);
  const offers = offersIn(await spotPrices(aws, types, Date.now()));
  const { spotPrice } = profile;
  const isTaken = ({ price }: SpotOffer): boolean => spotPrice === null || price <= spotPrice;
  const details = offers.map((offer) => {
    const { type, zone, price } = offer;
    return `${isTaken(offer) ? "✓" : "✗"} ${type.padEnd(14)} ${zone.padEnd(12)} ${dollars(price)} an hour`;
  });
  const [cheapest] = offers;
  if (cheapest === undefined)
    return [
      bad(
        `spot: no prices for ${types.join(", ")} in ${aws.region}`,
        "are these types to be had there? Choose others, or another region",
      ),
    ];
  const bound =
    spotPrice === null ? "no spotPrice is set: up to the price on demand" : `spotPrice ${dollars(spotPrice)}`;
  const from = `spot: from ${dollars(cheapest.price)} an hour (${cheapest.type} in ${cheapest.zone}); ${bound}`;
  const count = offers.filter(isTaken).length;
  if (count === 0)
    return [
      bad(from, `no machine would start: set spotPrice to ${dollars(cheapest.price)} or more, or other types`, details),
    ];
  return [well(`${from}; ${count} of ${offers.length} offers are within it`, details)];
}

async function checkQuotas(parts: CheckParts): Promise<readonly Finding[]> {
  const { aws, profile } = parts;
  const { workersNum, workersMax, schedulerInstanceType, schedulerSpot } = profile;
  const types = typesOf(profile);
  const vcpus = await vcpusOf(aws, [...types, schedulerInstanceType]);
  const unknown = [...types, schedulerInstanceType].filter((type) => !vcpus.has(type));
  const findings =
    unknown.length === 0
      ? []
      : [bad(`${aws.region} has no ${unknown.join(", ")}`, "choose other types, or another region")];
  const needs = [
    ...quotaNeeds(types, vcpus, { count: workersMax ?? workersNum, spot: true }),
    ...quotaNeeds([schedulerInstanceType], vcpus, { count: 1, spot: schedulerSpot }),
  ];
  for (const { code, name, least, most } of needs) {
    const has = await quota(aws, code);
    const larger = most > least ? `, ${most} if all are of the largest type` : "";
    const what = `quota ${name} (${code}): ${has} vCPUs; ${least} are needed${larger}`;
    if (has >= least) findings.push(well(what));
    else {
      const asked = parts.requestQuota
        ? await requestQuota(aws, code, most)
        : "taskflock aws check --request-quota asks for more";
      findings.push(bad(what, asked));
    }
  }
  return findings;
}
