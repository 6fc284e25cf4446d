// `npm run bench:pages [-- --repeats N] [--pages N]`: what a no-op task costs the scheduler's process while nobody looks and while many
// status pages are open. The two take turns in one cluster, each first as often as second, so that both see the same machine. A turn is
// several seconds of work, because pages get messages by time and not by task.

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { readToken } from "@taskflock/protocol";
import { WebSocket } from "ws";
import { machine } from "./machine.ts";
import { median, short, spread } from "./measure.ts";
import { Session } from "./session.ts";

const { values } = parseArgs({
  options: {
    repeats: { type: "string", default: "10" },
    pages: { type: "string", default: "20" },
    workload: { type: "string", default: "noop-50000" },
  },
});
const [repeats, pageCount] = [Number(values.repeats), Number(values.pages)];

/** What the page /status wishes. */
const wish = JSON.stringify({ topics: ["spans", "workers", "events"], run: 0, paused: false });
/** Runs of a turn. */
const RUNS = 8;

/** Pages as a browser's: they read what comes. Parsing it is theirs to do, on their own machine. */
class Pages {
  readonly #sockets: readonly WebSocket[];
  messages = 0;
  bytes = 0;

  private constructor(sockets: readonly WebSocket[]) {
    this.#sockets = sockets;
  }

  static async open(count: number, url: string, token: string): Promise<Pages> {
    const headers = { authorization: `Bearer ${token}` };
    const sockets = Array.from({ length: count }, () => new WebSocket(url, { headers }));
    const pages = new Pages(sockets);
    await Promise.all(
      sockets.map(async (socket) => {
        await once(socket, "open");
        socket.send(wish);
        await once(socket, "message");
        socket.on("message", (data: Buffer) => {
          pages.messages++;
          pages.bytes += data.length;
        });
      }),
    );
    return pages;
  }

  async close(): Promise<void> {
    const closed = this.#sockets.map((socket) => once(socket, "close"));
    for (const socket of this.#sockets) socket.close();
    await Promise.all(closed);
  }
}

interface Run {
  readonly usPerTask: number;
  readonly tasksPerSecond: number;
  /** Of all pages, while it ran. */
  readonly messages: number;
  readonly bytes: number;
}

async function measured(session: Session, pages: Pages | null): Promise<Run> {
  const before = { messages: pages?.messages ?? 0, bytes: pages?.bytes ?? 0 };
  const speeds: number[] = [];
  for (let run = 0; run < RUNS; run++) speeds.push((await session.once())["tasksPerSecond"] ?? Number.NaN);
  const costs = session.cpuUsPerTask.slice(-RUNS).map(({ scheduler }) => scheduler);
  return {
    usPerTask: costs.reduce((sum, cost) => sum + cost, 0) / RUNS,
    tasksPerSecond: median(speeds),
    messages: (pages?.messages ?? 0) - before.messages,
    bytes: (pages?.bytes ?? 0) - before.bytes,
  };
}

async function watched(session: Session, url: string, token: string): Promise<Run> {
  const pages = await Pages.open(pageCount, url, token);
  try {
    return await measured(session, pages);
  } finally {
    await pages.close();
    await sleep(50); // the scheduler has seen them go
  }
}

const session = await Session.open(values.workload, { profile: null, memory: false });
try {
  const { address, dashboard } = session.cluster;
  const url = `${new URL("/api/v1/stream", dashboard).href.replace(/^http/, "ws")}`;
  const token = readToken({ address });
  await measured(session, null); // code is compiled, memory has grown
  await watched(session, url, token);
  const [none, some]: [Run[], Run[]] = [[], []];
  for (let round = 0; round < repeats; round++) {
    const turns = [
      async () => none.push(await measured(session, null)),
      async () => some.push(await watched(session, url, token)),
    ];
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
  }
  const added = some.map(({ usPerTask }, index) => usPerTask - none[index]!.usPerTask);
  const of = (runs: readonly Run[], figure: keyof Run) => spread(runs.map((run) => run[figure]));
  const line = {
    workload: values.workload,
    ...{ pages: pageCount, repeats, runsPerTurn: RUNS },
    figures: {
      schedulerUsPerTask: { without: of(none, "usPerTask"), with: of(some, "usPerTask"), added: spread(added) },
      tasksPerSecond: { without: of(none, "tasksPerSecond"), with: of(some, "tasksPerSecond") },
      messagesPerTurn: of(some, "messages"),
      bytesPerTurn: of(some, "bytes"),
    },
    ...machine,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  const [before, more] = [median(none.map(({ usPerTask }) => usPerTask)), median(added)];
  process.stderr.write(
    `scheduler: ${short(before)} µs per task, ${more < 0 ? "" : "+"}${short(more)} µs with ${pageCount} pages open (median of ${repeats} pairs)\n`,
  );
} finally {
  await session.close();
}
