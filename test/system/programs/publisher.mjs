// Publishes two results and leaves two tasks behind, says so, and stays until it is killed.

import { writeFileSync } from "node:fs";
import { Client } from "taskflock";

const [address, folder] = process.argv.slice(2);
const client = await Client.connect(address, { name: "publisher" });
const large = client.submit((n) => new Float64Array(n).fill(1.5), [200_000], { name: "large" });
const scattered = await client.scatter(new Float64Array(100_000).fill(2.5));
const small = client.submit((x) => x + 1, [41]);
await client.publish("kept", { large, scattered, small, note: "by the publisher" });
const opened = `${folder}/opened`;
const waits = client.submit(
  async (gate, done) => {
    const { existsSync, writeFileSync } = await import("node:fs");
    const { setTimeout: sleep } = await import("node:timers/promises");
    while (!existsSync(gate)) await sleep(10);
    writeFileSync(done, "ran to its end");
    return 1;
  },
  [opened, `${folder}/done`],
  { name: "waits" },
);
const fails = client.submit(
  async (gate) => {
    const { existsSync } = await import("node:fs");
    const { setTimeout: sleep } = await import("node:timers/promises");
    while (!existsSync(gate)) await sleep(10);
    throw new RangeError("nobody hears this");
  },
  [opened],
  { name: "fails" },
);
const dropped = client.submit((n) => new Float64Array(n), [100_000], { name: "dropped" });
await client.gather([large, dropped]);
await client.fireAndForget([waits, fails]);
writeFileSync(`${folder}/published`, "");
setInterval(() => {}, 1000);
