// What the machine allows a scheduler: messages from a client through a scheduler to a worker and back, each a process of its own,
// with ws and msgpackr and nothing else. `node echo.mjs scheduler | worker URL | client URL`.

import type { AddressInfo } from "node:net";
import { Packr } from "msgpackr";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import { quantile } from "./measure.ts";
import type { Figures } from "./workload.ts";

/** Number and argument of a task, or number and result. */
type Item = readonly [n: number, bytes: Uint8Array];
export type EchoOrder = { readonly mode: "oneByOne"; readonly calls: number } | EchoBatch;
interface EchoBatch {
  readonly mode: "batched";
  readonly tasks: number;
  readonly perFrame: number;
}

const packr = new Packr({ useRecords: false });
const plain = { perMessageDeflate: false } as const;
const [, , role = "", url = ""] = process.argv;

function read(data: RawData): Item[] {
  return packr.unpack(data as Buffer);
}

/** Frames from the client go to the workers in turn; what workers answer goes to the client. */
function schedule(): void {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, ...plain });
  const workers: WebSocket[] = [];
  let client: WebSocket | null = null;
  let turn = 0;
  server.on("connection", (socket, request) => {
    if (request.url === "/client") {
      client = socket;
      socket.on("message", (data) => workers[turn++ % workers.length]!.send(packr.pack(read(data))));
    } else {
      workers.push(socket);
      socket.on("message", (data) => client?.send(packr.pack(read(data))));
    }
  });
  server.on("listening", () => process.send?.({ url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` }));
}

function work(): void {
  const socket = new WebSocket(`${url}/worker`, plain);
  socket.on("open", () => process.send?.({ ready: true }));
  socket.on("message", (data) => socket.send(packr.pack(read(data))));
}

function ask(): void {
  const socket = new WebSocket(`${url}/client`, plain);
  const bytes = Uint8Array.from({ length: 12 }, (_, i) => i);
  let heard: (items: readonly Item[]) => void = () => undefined;
  socket.on("message", (data) => heard(read(data)));
  socket.on("open", () => process.send?.({ ready: true }));

  const oneByOne = async (calls: number): Promise<Figures> => {
    const times: number[] = [];
    for (let n = 0; n < calls; n++) {
      const started = performance.now();
      await new Promise((resolve) => {
        heard = resolve;
        socket.send(packr.pack([[n, bytes]]));
      });
      times.push(performance.now() - started);
    }
    return { p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), minMs: Math.min(...times) };
  };
  const batched = async ({ tasks, perFrame }: EchoBatch): Promise<Figures> => {
    const started = performance.now();
    await new Promise<void>((resolve) => {
      let left = tasks;
      heard = (items) => {
        left -= items.length;
        if (left === 0) resolve();
      };
      for (let n = 0; n < tasks; n += perFrame) {
        socket.send(packr.pack(Array.from({ length: Math.min(perFrame, tasks - n) }, (_, i) => [n + i, bytes])));
      }
    });
    return { tasksPerSecond: tasks / ((performance.now() - started) / 1000) };
  };
  process.on("message", async (order: EchoOrder) => {
    process.send?.(order.mode === "oneByOne" ? await oneByOne(order.calls) : await batched(order));
  });
}

if (role === "scheduler") schedule();
else if (role === "worker") work();
else ask();
// It ends with the process that started it.
process.on("disconnect", () => process.exit());
