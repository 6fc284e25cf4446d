// The page's connection against a real WebSocket server.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { FeedMessage, FeedWish } from "@taskflock/protocol/words";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { Connection, type ConnectionOptions, type ConnectionState, waitBefore } from "../../web/feed/connection.ts";
import { messageOf } from "./messages.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Feed {
  readonly http: Server;
  readonly sockets: WebSocketServer;
  readonly url: string;
  readonly wishes: FeedWish[];
}

/** A server that notes wishes and answers each with one message. */
async function startFeed(port = 0): Promise<Feed> {
  const http = createServer();
  const sockets = new WebSocketServer({ server: http });
  const wishes: FeedWish[] = [];
  sockets.on("connection", (socket) => {
    socket.on("message", (data) => {
      wishes.push(JSON.parse(String(data)) as FeedWish);
      socket.send(JSON.stringify(messageOf({ seq: wishes.length, fresh: true })));
    });
  });
  http.listen(port, "127.0.0.1");
  await once(http, "listening");
  const feed = { http, sockets, wishes, url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}` };
  closers.push(() => stop(feed));
  return feed;
}

function stop({ http, sockets }: Feed): Promise<void> {
  for (const socket of sockets.clients) socket.terminate();
  sockets.close();
  http.closeAllConnections();
  return new Promise((resolve) => http.close(() => resolve()));
}

function connect(url: string, options: Partial<ConnectionOptions> = {}) {
  const states: ConnectionState[] = [];
  const messages: FeedMessage[] = [];
  let wake = (): void => undefined;
  const connection = new Connection({
    url,
    open: (to) => new WebSocket(to) as unknown as globalThis.WebSocket,
    onMessage: (message) => {
      messages.push(message);
      wake();
    },
    onState: (state) => {
      states.push(state);
      wake();
    },
    isSignedIn: async () => true,
    random: () => 0,
    now: () => 1_000_000,
    ...options,
  });
  closers.push(() => connection.close());
  const until = async (is: () => boolean): Promise<void> => {
    while (!is()) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { connection, states, messages, until };
}

describe("the connection", () => {
  it("says what the page wishes when it opens, and whenever that changes", async () => {
    const feed = await startFeed();
    const { connection, states, messages, until } = connect(feed.url);
    connection.wish({ topics: ["spans"], run: 0, paused: false });
    connection.connect();
    await until(() => messages.length === 1);
    connection.wish({ topics: ["details"], run: 7, paused: true });
    await until(() => messages.length === 2);
    expect(feed.wishes).toEqual([
      { topics: ["spans"], run: 0, paused: false },
      { topics: ["details"], run: 7, paused: true },
    ]);
    expect(states.map(({ is }) => is)).toEqual(["connecting", "open"]);
    expect(messages[0]).toMatchObject({ seq: 1, fresh: true });
  });

  it("when lost says until when it waits, opens again, and says its wish again", async () => {
    const feed = await startFeed();
    const { connection, states, messages, until } = connect(feed.url);
    connection.wish({ topics: ["logs"], run: 0, paused: false });
    connection.connect();
    await until(() => messages.length === 1);
    await stop(feed);
    await until(() => states.some(({ is }) => is === "lost"));
    expect(states.at(-1)).toEqual({ is: "lost", retryAt: 1_000_000 + waitBefore(1, 0) });
    const again = await startFeed(Number(new URL(feed.url).port));
    await until(() => messages.length === 2);
    expect(states.at(-1)).toEqual({ is: "open" });
    expect(again.wishes).toEqual([{ topics: ["logs"], run: 0, paused: false }]);
  });

  it("tries at once when it is told to, and once only", async () => {
    const feed = await startFeed();
    const { connection, states, messages, until } = connect(feed.url);
    connection.connect();
    await until(() => messages.length === 1);
    for (const socket of feed.sockets.clients) socket.terminate();
    await until(() => states.at(-1)?.is === "lost");
    connection.connect();
    connection.connect();
    await until(() => messages.length === 2);
    expect(feed.sockets.clients.size).toBe(1);
  });

  it("ends when the server does not know the reader", async () => {
    const http = createServer();
    http.on("upgrade", (_request, socket) => socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"));
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    closers.push(() => http.close());
    const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}`;
    const { connection, states, until } = connect(url, { isSignedIn: async () => false });
    connection.connect();
    await until(() => states.at(-1)?.is === "signedOut");
    const count = states.length;
    connection.connect();
    expect(states).toHaveLength(count);
  });
});

describe("the wait before a try", () => {
  it("doubles up to a quarter of a minute, and is spread over half of itself", () => {
    expect([1, 2, 3, 4, 5, 6, 20].map((attempt) => waitBefore(attempt, 1))).toEqual([
      ...[500, 1000, 2000, 4000, 8000, 15_000, 15_000],
    ]);
    expect(waitBefore(3, 0)).toBe(1000);
  });
});
