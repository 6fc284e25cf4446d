// Starts the programs that show what the machine allows, and asks them.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { EchoOrder } from "./echo.ts";
import { median } from "./measure.ts";
import { program } from "./programs.ts";
import type { Figures } from "./workload.ts";

const WARM_UP_CALLS = 2000;
const CALLS = 1000;
const WARM_UP_TASKS = 100_000;

/** A child that speaks one line of an object at a time, and its first line. */
async function start(name: "echo" | "copy", args: readonly string[]): Promise<[ChildProcess, Record<string, unknown>]> {
  const child = spawn(process.execPath, [await program(name), ...args], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const [first] = await once(child, "message");
  return [child, first];
}

async function ask<T>(child: ChildProcess, order: object): Promise<T> {
  child.send(order);
  const [answer] = await once(child, "message");
  return answer;
}

async function end(children: readonly ChildProcess[]): Promise<void> {
  for (const child of children) {
    const closed = once(child, "exit");
    child.disconnect();
    await closed;
  }
}

/** Client, scheduler and two workers that only pass messages on. */
export class Echo {
  readonly #children: readonly ChildProcess[];
  readonly #client: ChildProcess;

  static async start(): Promise<Echo> {
    const [scheduler, { url }] = await start("echo", ["scheduler"]);
    const [first] = await start("echo", ["worker", String(url)]);
    const [second] = await start("echo", ["worker", String(url)]);
    const [client] = await start("echo", ["client", String(url)]);
    const echo = new Echo([client, first, second, scheduler], client);
    await echo.#order({ mode: "oneByOne", calls: WARM_UP_CALLS });
    return echo;
  }

  private constructor(children: readonly ChildProcess[], client: ChildProcess) {
    this.#children = children;
    this.#client = client;
  }

  /** One message after the other. */
  oneByOne(): Promise<Figures> {
    return this.#order({ mode: "oneByOne", calls: CALLS });
  }

  /** Many tasks in each frame. */
  async batched(tasks: number, perFrame: number): Promise<Figures> {
    await this.#order({ mode: "batched", tasks: WARM_UP_TASKS, perFrame });
    return this.#order({ mode: "batched", tasks, perFrame });
  }

  close(): Promise<void> {
    return end(this.#children);
  }

  #order(order: EchoOrder): Promise<Figures> {
    return ask(this.#client, order);
  }
}

const COPY_BYTES = 64 * 1024 * 1024;

/** A bare socket copy: the median of several, after some to warm up. */
export async function copyRate(): Promise<{ readonly mbPerSecond: number }> {
  const [sender, { port }] = await start("copy", ["sender"]);
  const [receiver] = await start("copy", ["receiver", String(port)]);
  try {
    const rates: number[] = [];
    for (let i = 0; i < 8; i++) {
      rates.push((await ask<{ mbPerSecond: number }>(receiver, { bytes: COPY_BYTES })).mbPerSecond);
    }
    return { mbPerSecond: median(rates.slice(3)) };
  } finally {
    await end([receiver, sender]);
  }
}
