// The cluster that is attacked: a scheduler with its page, a worker, and a client that computes on it all the time and is never wrong.

import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { Client, range } from "taskflock";
import { WebSocket } from "ws";
import { PROTOCOL_VERSION } from "../../packages/protocol/src/words/index.ts";
import { bytesInUse, type Role, startRole } from "../system/processes.ts";
import type { Ports } from "./attack.ts";
import { validFrame } from "./frames.ts";
import { type Direction, NAMES, type Row } from "./samples.ts";
import { opening, talk } from "./talk.ts";
import { clientFrame } from "./wire.ts";

export const STEADY = "steady";
const GRACE = "300ms";

export interface Beside {
  /** Tasks that gave what they should. */
  readonly right: number;
  readonly wrong: readonly string[];
  /** The longest that the client waited for an answer to its smallest question, milliseconds. */
  readonly longestPingMs: number;
}

export class AttackedCluster {
  readonly scheduler: Role;
  readonly worker: Role;
  readonly client: Client;
  readonly ports: Ports;
  #right = 0;
  #longestPingMs = 0;
  readonly #wrong: string[] = [];
  #working: Promise<void> = Promise.resolve();
  #isOver = false;

  private constructor(scheduler: Role, worker: Role, client: Client, ports: Ports) {
    this.scheduler = scheduler;
    this.worker = worker;
    this.client = client;
    this.ports = ports;
  }

  static async start(): Promise<AttackedCluster> {
    const log = ["--log-level", "warn"];
    const flags = ["--port", "0", "--dashboard-port", "0", "--session-reconnect", GRACE];
    const scheduler = await startRole(["scheduler", ...flags, ...log], { inspect: true });
    const { address, dashboard, tokenFile } = scheduler.ready;
    try {
      const own = ["--name", STEADY, "--threads", "1", "--no-nanny", "--resources", `${STEADY}=100`];
      const worker = await startRole(["worker", address, ...own, ...log]);
      const client = await Client.connect(address);
      const [facts] = await client.workers();
      const token = readFileSync(tokenFile, "utf8").trim();
      const port = portOf(address);
      const ports = { scheduler: port, page: portOf(new URL(dashboard).host), peer: portOf(facts!.address), token };
      const cluster = new AttackedCluster(scheduler, worker, client, {
        ...ports,
        peerKey: await peerKeyOf(port, token),
      });
      await cluster.#fillBounded();
      await evaluate(scheduler.inspector!, WATCH_DELAY);
      cluster.#working = cluster.#work();
      return cluster;
    } catch (error) {
      await scheduler.stop();
      throw error;
    }
  }

  /** What the scheduler remembers for people is bounded: full from the start, it does not hide what grows. */
  async #fillBounded(): Promise<void> {
    const { scheduler: port, token } = this.ports;
    const common = { t: "hello", protocol: PROTOCOL_VERSION, token };
    const log = { t: "log", task: 0, attempt: 1, stream: "stdout", text: "a line that a task printed" };
    const worker = { ...WORKER, incarnation: "talker" };
    await say(port, { ...common, role: "worker", worker, resume: null }, "worker", 220, () => new Array(500).fill(log));
    await say(port, { ...common, role: "nanny", name: "n" }, "nanny", 1, () => [
      { t: "exited", incarnation: "talker", how: "" },
    ]);
    const question = { q: "note", text: "somebody did something" };
    const asks = new Array(500).fill({ t: "ask", id: 1, question });
    await say(
      port,
      { ...common, role: "client", name: "notes", observer: false, resume: null },
      "client",
      21,
      () => asks,
    );
    for (let round = 0; round < 6; round++) {
      const futures = this.client.map((x: number) => x, range(5_000));
      await this.client.gather(futures);
      for (const future of futures) future.release();
    }
  }

  get beside(): Beside {
    return { right: this.#right, wrong: this.#wrong, longestPingMs: this.#longestPingMs };
  }

  /** The longest that the scheduler did not look at anything, milliseconds, since this was asked last. */
  async longestDelayMs(): Promise<number> {
    return Number(await evaluate(this.scheduler.inspector!, READ_DELAY)) / 1e6;
  }

  /** Once all that attacked are forgotten: bytes in the heap and in buffers, and of the process. */
  async memory(): Promise<{ readonly used: number; readonly rss: number }> {
    await this.settled();
    const used = await bytesInUse(this.scheduler.inspector!);
    return { used, rss: Number(await evaluate(this.scheduler.inspector!, "process.memoryUsage.rss()")) };
  }

  /** Resolves when nobody is there but the steady ones; else says who is. */
  async settled(patienceMs = 30_000): Promise<string> {
    const begun = performance.now();
    for (;;) {
      const { sessions, workers } = await this.client.cluster();
      if (sessions === 1 && workers.length === 1) return "";
      if (performance.now() - begun > patienceMs) return `${sessions} sessions, ${workers.map(({ name }) => name)}`;
      await pause(50);
    }
  }

  /** What the scheduler said that it should not have: errors that nobody caught, defects. */
  complaints(): string[] {
    const lines = this.scheduler.stderr().split("\n");
    return lines
      .filter((line) =>
        /^\s+at |uncaught|unhandled|FLOCK_INTERNAL|FLOCK_INVARIANT|"level":(50|60)|\b(ERROR|FATAL)\b/i.test(line),
      )
      .slice(0, 20);
  }

  async endWork(): Promise<Beside> {
    this.#isOver = true;
    await this.#working;
    return this.beside;
  }

  /**
   * What has a name stays when its client is gone, and so do tasks that run for nobody: both are taken away here. What the scheduler counts
   * then, by its metrics.
   */
  async leftOver(): Promise<Record<string, number>> {
    const { scheduler: port, page, token } = this.ports;
    const questions = NAMES.flatMap((name) => [
      ...["queue", "variable", "event"].map((kind) => ({ q: "sharedDelete", kind, name })),
      ...["plugin", "file"].map((kind) => ({ q: "unequip", kind, name })),
    ]);
    const asks = [...questions, { q: "restart" }].map((question, i) => ({ t: "ask", id: i + 1, question }));
    const hello = {
      t: "hello",
      protocol: PROTOCOL_VERSION,
      token,
      role: "client",
      name: "clears",
      observer: false,
      resume: null,
    };
    await say(port, hello, "client", 1, () => asks);
    await this.settled();
    const answer = await fetch(`http://127.0.0.1:${page}/metrics`, { headers: { authorization: `Bearer ${token}` } });
    const counts: Record<string, number> = {};
    for (const line of (await answer.text()).split("\n")) {
      const [, name, value] = COUNTED.exec(line) ?? [];
      if (name !== undefined) counts[name] = (counts[name] ?? 0) + Number(value);
    }
    return counts;
  }

  /** The cluster computes still. */
  async call(): Promise<number> {
    return this.client.call((x: number) => x + 1, [41], { resources: { [STEADY]: 1 } });
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await this.client.close().catch(() => undefined);
    await this.worker.stop();
    await this.scheduler.stop();
  }

  /** Small results that travel with their tasks, and larger ones that are fetched from the worker. */
  async #work(): Promise<void> {
    const options = { resources: { [STEADY]: 1 } };
    for (let round = 0; !this.#isOver; round++) {
      const inputs = range(20).map((i) => round * 20 + i);
      const asked = performance.now();
      await this.client.cluster();
      this.#longestPingMs = Math.max(this.#longestPingMs, performance.now() - asked);
      const small = this.client.map((x: number) => x * 2 + 1, inputs, options);
      const large = this.client.submit((x: number) => new Float64Array(2_000).fill(x), [round], options);
      const results = await Promise.allSettled([...small, large].map((future) => future.result()));
      results.forEach((result, i) => {
        const expected = i < inputs.length ? inputs[i]! * 2 + 1 : round;
        const value =
          result.status === "fulfilled"
            ? i < inputs.length
              ? result.value
              : (result.value as Float64Array)[1_999]
            : result.reason;
        if (value === expected) this.#right++;
        else if (this.#wrong.length < 10) this.#wrong.push(`${i} of round ${round}: ${String(value).slice(0, 300)}`);
      });
      for (const future of [...small, large]) future.release();
      await pause(30);
    }
  }
}

const COUNTED = /^taskflock_scheduler_(tasks|payloads|runs|sessions|relays|relays_waiting)(?:\{[^}]*\})? (\d+)$/;
const WORKER = {
  ...{ name: "talker", nanny: false, pid: 1, slots: 1, resources: {}, memoryLimitBytes: 0, peerAddress: "" },
} as const;

/** So many frames of these messages, on a connection of their own. */
async function say(
  port: number,
  hello: object,
  direction: Direction,
  frames: number,
  rows: () => Row[],
): Promise<void> {
  const pieces = Array.from({ length: frames }, (_, i) => clientFrame(validFrame(direction, i + 1, rows())));
  const heard = await talk(
    { port },
    { opening: opening(port, hello), welcomed: () => pieces, isOver: ({ acked }) => acked === frames },
  );
  if (heard.acked !== frames)
    throw new Error(`the scheduler took ${heard.acked} of ${frames} frames: ${heard.refused}`);
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}

async function peerKeyOf(port: number, token: string): Promise<string> {
  const hello = { t: "hello", role: "nanny", protocol: PROTOCOL_VERSION, token, name: "asks" };
  const heard = await talk({ port }, { opening: opening(port, hello), isOver: ({ welcome }) => welcome !== null });
  return heard.welcome?.peerKey ?? "";
}

const WATCH_DELAY = `(() => { const { monitorEventLoopDelay } = process.getBuiltinModule("node:perf_hooks");
  globalThis.fuzzDelay = monitorEventLoopDelay({ resolution: 5 }); fuzzDelay.enable(); return 0; })()`;
const READ_DELAY = "(() => { const { max } = fuzzDelay; fuzzDelay.reset(); return max; })()";

/** Evaluates an expression in a process by its inspector. */
async function evaluate(inspector: string, expression: string): Promise<unknown> {
  const socket = new WebSocket(inspector);
  const answer = new Promise<string>((resolve, reject) => {
    socket.on("message", (data) => resolve(String(data)));
    socket.on("error", reject);
  });
  socket.on("open", () =>
    socket.send(JSON.stringify({ id: 1, method: "Runtime.evaluate", params: { expression, returnByValue: true } })),
  );
  const { result } = JSON.parse(await answer) as { result: { result: { value: unknown } } };
  socket.close();
  return result.result.value;
}
