// The pages' WebSockets. Whoever hands one over here has been authorized.

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { FeedPoint } from "@taskflock/protocol/words";
import { type WebSocket, WebSocketServer } from "ws";
import type { StreamClient } from "../context.ts";
import type { Asks } from "./asks.ts";
import { type FeedClock, Hub, systemClock } from "./hub.ts";
import { parseWish } from "./wish.ts";

/** Pages at a time. */
export const MAX_PAGES = 200;
/** What a page says is this long at most, bytes. */
export const MAX_WISH_BYTES = 4096;
/** A page that does not answer a ping before the next one is gone. */
const PING_MS = 20_000;
/** Why a page is closed, as WebSocket codes. */
export const closeCodes = { malformed: 1007, signedOut: 1008, tooMany: 1013, ending: 1001 } as const;

export class Stream {
  readonly #hub: Hub;
  readonly #server: WebSocketServer;
  readonly #pings: NodeJS.Timeout;
  /** Who has which; those that have answered the last ping. */
  readonly #clients: Map<WebSocket, StreamClient> = new Map();
  readonly #answering: WeakSet<WebSocket> = new WeakSet();

  constructor(asks: Asks, clock: FeedClock = systemClock, pingMs: number = PING_MS) {
    this.#hub = new Hub(asks, clock);
    // No compression: it would be done for each page anew, in the scheduler's process, and the messages are small.
    this.#server = new WebSocketServer({
      noServer: true,
      maxPayload: MAX_WISH_BYTES,
      perMessageDeflate: false,
      clientTracking: false,
    });
    this.#pings = setInterval(() => this.#ping(), pingMs);
    this.#pings.unref();
  }

  get pages(): number {
    return this.#hub.pages;
  }

  /** The charts' last minutes. */
  get points(): readonly FeedPoint[] {
    return this.#hub.points;
  }

  /** Somebody signed in: the charts' history begins. */
  opened(): void {
    this.#hub.opened();
  }

  /** Takes the connection over. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, client: StreamClient): void {
    this.#server.handleUpgrade(request, socket, head, (page) => this.#serve(page, client));
  }

  close(): void {
    clearInterval(this.#pings);
    this.#hub.close();
    for (const page of this.#clients.keys()) {
      page.close(closeCodes.ending, "the dashboard ends");
      page.terminate();
    }
    this.#server.close();
  }

  #serve(socket: WebSocket, client: StreamClient): void {
    socket.on("error", () => undefined); // too long a message, a broken frame: it is being closed
    if (this.#hub.pages >= MAX_PAGES) {
      socket.close(closeCodes.tooMany, `there are ${MAX_PAGES} pages open already`);
      return;
    }
    const page = this.#hub.join({
      get bufferedAmount() {
        return socket.bufferedAmount;
      },
      send: (bytes) => socket.send(bytes, { binary: false }),
      terminate: () => socket.terminate(),
    });
    this.#clients.set(socket, client);
    this.#answering.add(socket);
    socket.on("pong", () => this.#answering.add(socket));
    socket.on("close", () => {
      this.#clients.delete(socket);
      this.#hub.leave(page);
    });
    socket.on("message", (data, isBinary) => {
      const wish = isBinary ? null : parseWish(String(data));
      if (wish === null) socket.close(closeCodes.malformed, "say {topics, run, paused}");
      else this.#hub.wish(page, wish);
    });
  }

  /** Those who are not who they were any more are closed. */
  signedOut(): void {
    for (const [socket, client] of this.#clients) {
      if (!client.isSignedIn()) socket.close(closeCodes.signedOut, "signed out");
    }
  }

  #ping(): void {
    this.signedOut();
    for (const socket of this.#clients.keys()) {
      if (this.#answering.delete(socket)) socket.ping();
      else socket.terminate();
    }
  }
}
