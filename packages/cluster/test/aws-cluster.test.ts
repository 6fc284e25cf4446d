// What ends with a cluster on AWS. The fleet, behind which Terraform and AWS stand, is one of this test; the real one: test/infra/aws-cli.test.ts.
import type { Client } from "@taskflock/client";
import { expect, test, vi } from "vitest";
import { AwsCluster } from "../src/aws/aws-cluster.ts";
import type { AwsFleet } from "../src/aws/fleet.ts";

/** A worker that is idle, and whose machine does not end before `release` is called. */
function idleCluster(ends: boolean): { cluster: AwsCluster; done: string[]; release: () => void } {
  const done: string[] = [];
  let release = (): void => undefined;
  const retired = new Promise<void>((resolve) => {
    release = resolve;
  });
  const fleet: Partial<AwsFleet> = {
    ...{ name: "a", address: "b:1", dashboardUrl: "https://b", expiresAt: "2030-01-01T00:00:00Z", resources: {} },
    members: async () => ["i-1"],
    end: async () => {
      done.push("end");
      await retired;
      done.push("ended");
    },
    down: async () => void done.push("down"),
    close: async () => void done.push("close"),
  };
  const advice = { workers: 1, wanted: 0, demands: [], mayGo: ["i-1"] };
  const client = {
    workers: async () => [{ name: "i-1", slots: 1, resources: {}, status: "running" }],
    scaling: { advice: async () => advice, retireIdle: async (names: readonly string[]) => names },
    close: async () => undefined,
  };
  const parts = { fleet: fleet as AwsFleet, client: client as unknown as Client, ends };
  return { cluster: new AwsCluster(parts), done, release };
}

test("a cluster that ends does not wait for workers that retire", async () => {
  const { cluster, done } = idleCluster(true);
  await cluster.adapt({ maximum: 1, intervalMs: 1, waitCount: 1 });
  await vi.waitFor(() => expect(done).toEqual(["end"]));
  await cluster.close();
  expect(done).toEqual(["end", "down", "close"]);
});

test("one that goes on does: nobody else would end their machines", async () => {
  const { cluster, done, release } = idleCluster(false);
  await cluster.adapt({ maximum: 1, intervalMs: 1, waitCount: 1 });
  await vi.waitFor(() => expect(done).toEqual(["end"]));
  const closing = cluster.close();
  release();
  await closing;
  expect(done).toEqual(["end", "ended", "close"]);
});
