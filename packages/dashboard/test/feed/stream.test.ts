// Real sockets, as browsers open them.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { FeedMessage } from "@taskflock/protocol/words";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { closeCodes, MAX_PAGES, Stream } from "../../server/feed/stream.ts";
import { FakeScheduler, overviewOf } from "./fakes.ts";

let scheduler: FakeScheduler;
let stream: Stream;
let server: Server;
const sockets: WebSocket[] = [];
const client = { role: "viewer", isSignedIn: () => isSignedIn } as const;
let isSignedIn: boolean;

beforeEach(() => begin());
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  stream.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function begin(pingMs?: number): Promise<void> {
  isSignedIn = true;
  scheduler = new FakeScheduler();
  stream = new Stream(scheduler, undefined, pingMs);
  server = createServer().listen(0, "127.0.0.1");
  server.on("upgrade", (request, socket, head) => stream.accept(request, socket, head, client));
  await once(server, "listening");
}

async function open(options: { readonly autoPong?: boolean } = {}): Promise<WebSocket> {
  const { port } = server.address() as AddressInfo;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/stream`, options);
  sockets.push(socket);
  await once(socket, "open");
  return socket;
}

async function heard(socket: WebSocket): Promise<FeedMessage> {
  const [data, isBinary] = await once(socket, "message");
  expect(isBinary).toBe(false);
  return JSON.parse(String(data));
}

const wish = (...topics: string[]): string => JSON.stringify({ topics, run: 0, paused: false });

test("a page that says what it wishes gets a fresh message, uncompressed, then differences", async () => {
  const socket = await open();
  expect(socket.extensions).toBe("");
  socket.send(wish("workers"));
  expect(await heard(socket)).toMatchObject({ fresh: true, workers: { added: [] } });
  scheduler.overview = overviewOf({ transitions: 5, slots: 3 });
  expect(await heard(socket)).toMatchObject({ fresh: false, overview: { slots: 3 } });
});

test.each([
  ["no JSON", "{"],
  ["another shape", '{"topics":"workers","run":0,"paused":false}'],
  ["an unknown topic", wish("everything")],
  ["no number of a run", '{"topics":[],"run":-1,"paused":false}'],
  ["bytes", Buffer.from(wish("workers"))],
])("one that says %s is closed, with a code", async (_what, said) => {
  const socket = await open();
  socket.send(said);
  const [code] = await once(socket, "close");
  expect(code).toBe(closeCodes.malformed);
});

test("one that says too much is closed", async () => {
  const socket = await open();
  socket.send(wish("w".repeat(5000)));
  const [code] = await once(socket, "close");
  expect(code).toBe(1009);
});

test("one that leaves is forgotten, and nobody is asked for it", async () => {
  const socket = await open();
  socket.send(wish());
  await heard(socket);
  socket.close();
  await expect.poll(() => stream.pages).toBe(0);
});

test("one that does not answer pings is closed; one that does stays", async () => {
  stream.close();
  server.close();
  await begin(100);
  const alive = await open();
  const dead = await open({ autoPong: false });
  const [code] = await once(dead, "close");
  expect(code).toBe(1006);
  expect(alive.readyState).toBe(alive.OPEN);
});

test("one whose session is over is closed", async () => {
  stream.close();
  server.close();
  await begin(100);
  const socket = await open();
  isSignedIn = false;
  const [code] = await once(socket, "close");
  expect(code).toBe(closeCodes.signedOut);
});

test("there can be so many, and no more", async () => {
  await Promise.all(Array.from({ length: MAX_PAGES }, () => open()));
  const one = await open();
  const [code] = await once(one, "close");
  expect(code).toBe(closeCodes.tooMany);
  expect(stream.pages).toBe(MAX_PAGES);
});
