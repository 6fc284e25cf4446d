// The client's process: connects, warms the cluster up, and runs one workload as often as it is told.

import { Client, range } from "taskflock";
import type { Bench, FromClient, Once, Question, ToClient } from "./workload.ts";
import { workloads } from "./workloads/index.ts";

const answers = new Map<number, (value: number) => void>();
let client: Client | null = null;
let once: Once | null = null;
let asked = 0;

function say(message: FromClient): void {
  process.send?.(message);
}

function ask(question: Question): Promise<number> {
  const id = ++asked;
  say({ t: "ask", id, question });
  return new Promise((resolve) => answers.set(id, resolve));
}

async function start(name: string, address: string | null): Promise<void> {
  const workload = workloads[name];
  if (workload === undefined) throw new Error(`there is no workload ${name}`);
  if ("lone" in workload) {
    once = workload.lone;
    return;
  }
  client = await Client.connect(address ?? undefined, { packages: "installed" });
  const found = await client.waitForWorkers(2);
  const [first, second] = found.map((worker) => worker.name).sort();
  await warmUp(client);
  once = await workload.start(benchOf(client, [first ?? "", second ?? ""]));
}

/** 400 tiny tasks, half of them with an input: as the benchmark of Dask does. */
async function warmUp(client: Client): Promise<void> {
  const inputs = client.map((x: number) => x + 1, range(200));
  await client.gather(inputs);
  const outputs = client.map((x: number) => x + 1, inputs);
  await client.gather(outputs);
  client.release([...inputs, ...outputs]);
}

function benchOf(client: Client, workers: readonly [string, string]): Bench {
  return {
    client,
    workers,
    measure: async (tasks, body) => {
      await ask({ q: "begin", tasks });
      const started = performance.now();
      await body();
      const seconds = (performance.now() - started) / 1000;
      await ask({ q: "end", seconds });
      return seconds;
    },
    schedulerBytesInUse: () => ask({ q: "schedulerBytesInUse" }),
    schedulerResidentBytes: () => ask({ q: "schedulerResidentBytes" }),
  };
}

async function obey(message: ToClient): Promise<void> {
  if (message.t === "answer") {
    answers.get(message.id)?.(message.value);
    answers.delete(message.id);
  } else if (message.t === "start") {
    await start(message.workload, message.address);
    say({ t: "ready" });
  } else if (message.t === "once") {
    say({ t: "figures", figures: (await once?.()) ?? {} });
  } else {
    await client?.close();
    process.disconnect();
  }
}

process.on("message", (message: ToClient) => {
  obey(message).catch((error: unknown) => {
    say({ t: "failed", error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  });
});
