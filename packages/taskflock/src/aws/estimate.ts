// What a cluster will cost, before it is started.

import type { AwsClients } from "./clients.ts";
import { dollars, hoursOf } from "./cost.ts";
import { offersIn, onDemandPrice, type SpotOffer, spotPrices } from "./prices.ts";
import { type Complete, typesOf } from "./profile.ts";

/** Sentences. What AWS does not say is taken from the profile, and said to be. */
export async function estimate(aws: AwsClients, profile: Complete): Promise<readonly string[]> {
  const { workersNum, spotPrice, clusterExpiration } = profile;
  const { taken, lines: spotLines } = await spotOffers(aws, profile);
  const scheduler = await schedulerPrice(aws, profile);
  const hours = hoursOf(clusterExpiration);
  const lines = [...scheduler.lines, ...(workersNum > 0 ? spotLines : [])];
  const [cheapest] = taken;
  const worker = cheapest?.price ?? spotPrice ?? 0;
  const sum = workersNum * worker + scheduler.price;
  const parts =
    workersNum === 0
      ? "no workers"
      : `${workersNum} workers × ${dollars(worker)} (${cheapest === undefined ? "spot, see above" : `spot now, ${cheapest.type} in ${cheapest.zone}`})`;
  lines.push(`Cost per hour: ${parts} + scheduler ${dollars(scheduler.price)} = about ${dollars(sum)}`);
  const most = spotPrice === null ? null : (profile.workersMax ?? workersNum) * spotPrice + scheduler.price;
  const bound = most === null ? "" : `, at most ${dollars(most * hours)} (workersMax × spotPrice)`;
  lines.push(`Until it expires, after ${clusterExpiration}: about ${dollars(sum * hours)}${bound}`);
  return lines;
}

interface SpotOffers {
  /** Within the profile's spotPrice, the cheapest first. */
  readonly taken: readonly SpotOffer[];
  /** Why there are none. */
  readonly lines: readonly string[];
}

async function spotOffers(aws: AwsClients, profile: Complete): Promise<SpotOffers> {
  const { spotPrice } = profile;
  try {
    const offers = offersIn(await spotPrices(aws, typesOf(profile), Date.now()));
    const taken = offers.filter(({ price }) => spotPrice === null || price <= spotPrice);
    const within = spotPrice === null ? "any price" : dollars(spotPrice);
    return { taken, lines: taken.length > 0 ? [] : [`Spot: no type is to be had within ${within} now.`] };
  } catch (error) {
    const why = `AWS does not say what spot machines cost (${(error as Error).message})`;
    const instead =
      spotPrice === null
        ? "the workers are not in these sums."
        : "spotPrice of the profile is taken, the most it can be.";
    return { taken: [], lines: [`${why}: ${instead}`] };
  }
}

/** USD an hour, about: what is known of it. Rejects with FLOCK_AWS_… when nobody says what workers cost: it is asked for by a limit. */
export async function estimatedRate(aws: AwsClients, profile: Complete): Promise<number> {
  const { workersNum, spotPrice } = profile;
  const history = await spotPrices(aws, typesOf(profile), Date.now()).catch((error: unknown) => {
    if (spotPrice === null && workersNum > 0) throw error;
    return new Map();
  });
  const cheapest =
    offersIn(history).find(({ price }) => spotPrice === null || price <= spotPrice)?.price ?? spotPrice ?? 0;
  return workersNum * cheapest + (await schedulerPrice(aws, profile)).price;
}

export interface SchedulerPrice {
  /** USD per hour; 0 when nobody knows. */
  readonly price: number;
  readonly lines: readonly string[];
}

export async function schedulerPrice(aws: AwsClients, profile: Complete): Promise<SchedulerPrice> {
  const { schedulerInstanceType: type, schedulerPrice: given } = profile;
  try {
    return { price: await onDemandPrice(aws, type), lines: [] };
  } catch (error) {
    const why = `AWS's price list does not say what a ${type} costs (${(error as Error).message})`;
    if (given === null)
      return { price: 0, lines: [`${why}: the scheduler is not in these sums. schedulerPrice would say it.`] };
    return { price: given, lines: [`${why}: schedulerPrice of the profile is taken.`] };
  }
}
