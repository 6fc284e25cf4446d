import type { AwsStack } from "./cluster.ts";
import { groupOf } from "./machines.ts";
import { scaleTo } from "./resize.ts";

/** More machines, or fewer, and the profile that a later `up` goes by says so, too. */
export async function scaleCluster(cluster: AwsStack, count: number, retireMs: number): Promise<void> {
  const { aws, stack, say } = cluster;
  const { group } = cluster.mustFacts();
  const client = await cluster.connect("taskflock aws scale");
  try {
    await scaleTo({ aws, client, group, say, retireMs }, count);
  } finally {
    await client.close();
  }
  // The group may still grow to what it may have now.
  const most = (await groupOf(aws, group))?.max ?? count;
  stack.saveProfile({ ...cluster.said, workersNum: count, workersMax: Math.max(most, count) });
  say(`${stack.name}: ${count} workers are wanted. taskflock aws status shows when they have joined.`);
}
