// Prices, as AWS says them.

import type { AwsClients } from "./clients.ts";
import { latest, type MachineLife, type PriceBook, type PricePoint, spotKey } from "./cost.ts";
import { awsError } from "./sdk.ts";

/** Of each `type zone`. `sinceMs` may be in the past; the price that held then is in it, too. */
export async function spotPrices(
  aws: AwsClients,
  types: readonly string[],
  sinceMs: number,
): Promise<ReadonlyMap<string, readonly PricePoint[]>> {
  const { sdk, client } = await aws.ec2();
  const history = new Map<string, PricePoint[]>();
  let NextToken: string | undefined;
  do {
    const page = await aws.ask("ask for spot prices", () =>
      client.send(
        new sdk.DescribeSpotPriceHistoryCommand({
          // The client refuses a type that it does not know yet only in its types.
          InstanceTypes: [...types] as never,
          ProductDescriptions: ["Linux/UNIX"],
          StartTime: new Date(sinceMs),
          ...(NextToken === undefined ? {} : { NextToken }),
        }),
      ),
    );
    for (const { InstanceType = "", AvailabilityZone = "", SpotPrice, Timestamp } of page.SpotPriceHistory ?? []) {
      const key = spotKey(InstanceType, AvailabilityZone);
      const points = history.get(key) ?? [];
      points.push({ atMs: Timestamp?.getTime() ?? 0, price: Number(SpotPrice) });
      history.set(key, points);
    }
    NextToken = page.NextToken || undefined;
  } while (NextToken !== undefined);
  return history;
}

/** USD per hour of a type on demand, Linux, in the clients' region. Rejects with FLOCK_AWS_… when AWS's price list does not say. */
export async function onDemandPrice(aws: AwsClients, type: string): Promise<number> {
  const { sdk, client } = await aws.pricing();
  const is = (Field: string, Value: string) => ({ Type: "TERM_MATCH" as const, Field, Value });
  const Filters = [
    is("instanceType", type),
    is("regionCode", aws.region),
    is("operatingSystem", "Linux"),
    is("tenancy", "Shared"),
    is("preInstalledSw", "NA"),
    is("capacitystatus", "Used"),
  ];
  const what = `ask for the price of ${type}`;
  const { PriceList = [] } = await aws.ask(what, () =>
    client.send(new sdk.GetProductsCommand({ ServiceCode: "AmazonEC2", Filters })),
  );
  const price = onDemandIn(PriceList.map(String));
  if (price === null) throw awsError(new Error(`the price list has none for ${aws.region}`), what);
  return price;
}

/** In what AWS's price list answers: the dearest per hour, USD; null: none. */
export function onDemandIn(products: readonly string[]): number | null {
  const prices = products.flatMap((text) => {
    const terms: Terms = JSON.parse(text).terms?.OnDemand ?? {};
    const dimensions = Object.values(terms).flatMap(({ priceDimensions = {} }) => Object.values(priceDimensions));
    return dimensions.filter(({ unit }) => unit === "Hrs").map(({ pricePerUnit }) => Number(pricePerUnit?.USD));
  });
  const said = prices.filter((price) => price > 0);
  return said.length === 0 ? null : Math.max(...said);
}

type Terms = Readonly<
  Record<
    string,
    {
      readonly priceDimensions?: Readonly<
        Record<string, { readonly unit?: string; readonly pricePerUnit?: { readonly USD?: string } }>
      >;
    }
  >
>;

/** They are said to be unknown, and are not in the sum. */
const unknownPrices: ReadonlyMap<string, readonly PricePoint[]> = new Map();

/** What all of these machines cost, from the first launch on. `given`: prices on demand that need not be asked for. */
export async function priceBook(
  aws: AwsClients,
  machines: readonly MachineLife[],
  given: ReadonlyMap<string, number>,
): Promise<PriceBook> {
  const onSpot = machines.filter(({ spot }) => spot);
  const types = [...new Set(onSpot.map(({ type }) => type))];
  const sinceMs = Math.min(...onSpot.map(({ launchedMs }) => launchedMs));
  const spot = types.length === 0 ? unknownPrices : await spotPrices(aws, types, sinceMs).catch(() => unknownPrices);
  const onDemand = new Map(given);
  for (const type of new Set(machines.filter((machine) => !machine.spot).map((machine) => machine.type))) {
    if (given.has(type)) continue;
    const price = await onDemandPrice(aws, type).catch(() => null); // unknown, as above
    if (price !== null) onDemand.set(type, price);
  }
  return { spot, onDemand };
}

export interface SpotOffer {
  readonly type: string;
  readonly zone: string;
  /** USD per hour. */
  readonly price: number;
}

/** The prices of now, the cheapest first. */
export function offersIn(history: ReadonlyMap<string, readonly PricePoint[]>): readonly SpotOffer[] {
  const offers = [...history].flatMap(([key, points]) => {
    const [type = "", zone = ""] = key.split(" ");
    const price = latest(points);
    return price === null ? [] : [{ type, zone, price }];
  });
  return offers.sort((a, b) => a.price - b.price || a.type.localeCompare(b.type) || a.zone.localeCompare(b.zone));
}
