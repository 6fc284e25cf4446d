// Runs on the cluster that TASKFLOCK_ADDRESS names. The workers come from the same image, so they have what package.json names.
import { standardDeviation } from "simple-statistics";
import { Client, range } from "taskflock";

const client = await Client.connect();
const spread = (seed) => standardDeviation(range(1000).map((i) => Math.sin(seed + i)));
const spreads = await client.gather(client.map(spread, range(8)));
console.log(spreads.map((value) => value.toFixed(3)).join(" "));
await client.close();
