// AWS that answers badly, or says no, where something can be done without its answer.

import * as sdk from "@aws-sdk/client-auto-scaling";
import * as ec2 from "@aws-sdk/client-ec2";
import * as pricing from "@aws-sdk/client-pricing";
import type { Client } from "@taskflock/client";
import { expect, test, vi } from "vitest";
import { AwsClients } from "../src/aws/clients.ts";
import { HOUR_MS } from "../src/aws/cost.ts";
import { estimate, estimatedRate } from "../src/aws/estimate.ts";
import { awaitJoined, type JoiningParts } from "../src/aws/joining.ts";
import { priceBook } from "../src/aws/prices.ts";
import type { Complete } from "../src/aws/profile.ts";

const named = (name: string): Error => Object.assign(new Error("said AWS"), { name });

/** Of a group with one machine, on which a worker has joined; the first answers are these errors. */
function joining(errors: Error[]): { joined: Promise<number>; said: string[] } {
  const said: string[] = [];
  const Instances = [{ InstanceId: "i-1", LifecycleState: "InService" }];
  const send = async (): Promise<object> => {
    const error = errors.shift();
    if (error !== undefined) throw error;
    return { AutoScalingGroups: [{ DesiredCapacity: 1, MaxSize: 1, Instances }] };
  };
  const aws = new AwsClients("us-east-1");
  vi.spyOn(aws, "autoScaling").mockResolvedValue({ sdk, client: { send } } as never);
  const client = { workers: async () => [{ name: "i-1", status: "running" }] } as unknown as Client;
  const parts = { aws, facts: { group: "g" }, say: (line: string) => said.push(line), timeoutMs: 60_000, lookMs: 1 };
  return { joined: awaitJoined(client, parts as unknown as JoiningParts), said };
}

test("three failures in a row do not end the wait for workers; a fourth does, and so does a no", async () => {
  const throttled = (count: number): Error[] => Array.from({ length: count }, () => named("ThrottlingException"));
  const borne = joining(throttled(3));
  expect(await borne.joined).toBe(1);
  expect(borne.said).toEqual([expect.stringContaining("Throttling"), expect.stringContaining("1 joined")]);
  await expect(joining(throttled(4)).joined).rejects.toMatchObject({ code: "FLOCK_AWS_FAILED" });
  await expect(joining([named("AccessDenied")]).joined).rejects.toMatchObject({ code: "FLOCK_AWS_DENIED" });
});

/** Says no to whoever asks for spot prices; on demand all costs 2 USD an hour. */
function withoutSpotPrices(): AwsClients {
  const aws = new AwsClients("us-east-1");
  const no = async (): Promise<never> => Promise.reject(named("UnauthorizedOperation"));
  vi.spyOn(aws, "ec2").mockResolvedValue({ sdk: ec2, client: { send: no } } as never);
  const terms = { OnDemand: { a: { priceDimensions: { b: { unit: "Hrs", pricePerUnit: { USD: "2" } } } } } };
  const send = async (): Promise<object> => ({ PriceList: [JSON.stringify({ terms })] });
  vi.spyOn(aws, "pricing").mockResolvedValue({ sdk: pricing, client: { send } } as never);
  return aws;
}

const profile = (spotPrice: number | null): Complete =>
  ({
    ...{ instanceType: "g5.xlarge", alternativeInstanceTypes: [], schedulerInstanceType: "t3.small" },
    ...{ workersNum: 3, workersMax: null, spotPrice, schedulerPrice: null, clusterExpiration: "2h" },
  }) as unknown as Complete;

test("spot prices that nobody may ask for are unknown, as those on demand are", async () => {
  const machine = { zone: "us-east-1a", launchedMs: 0, endedMs: HOUR_MS };
  const book = await priceBook(
    withoutSpotPrices(),
    [
      { ...machine, id: "i-1", role: "scheduler", type: "t3.small", spot: false },
      { ...machine, id: "i-2", role: "worker", type: "g5.xlarge", spot: true },
    ],
    new Map(),
  );
  expect([book.spot.size, book.onDemand.get("t3.small")]).toEqual([0, 2]);
});

test("an estimate without them says so, and takes the most that the profile would pay", async () => {
  const [why, hour] = await estimate(withoutSpotPrices(), profile(null));
  expect(why).toMatch(
    /does not say what spot machines cost \(.*UnauthorizedOperation.*the workers are not in these sums/,
  );
  expect(hour).toContain("about 2.00 USD");
  const [limited, limitedHour] = await estimate(withoutSpotPrices(), profile(1));
  expect(limited).toContain("spotPrice of the profile is taken");
  expect(limitedHour).toContain("about 5.00 USD");
  // A limit of costs is none when nobody knows what workers cost.
  expect(await estimatedRate(withoutSpotPrices(), profile(1))).toBe(5);
  await expect(estimatedRate(withoutSpotPrices(), profile(null))).rejects.toMatchObject({ code: "FLOCK_AWS_DENIED" });
});
