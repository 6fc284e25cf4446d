// Calls a function with a large argument, under a key, and waits until it is killed.
import { Client } from "taskflock";
import { sumOf } from "./sum-of.mjs";

const client = await Client.connect(process.argv[2], { logs: "ignore", name: "sender" });
const call = client.submit(sumOf, [new Float64Array(625_000).fill(0.5), 1], { key: "sum", resources: { LATER: 1 } });
console.log("sent");
await call.error();
