// The port on which a scheduler is reached: authentication first, then links. Nobody who has not shown the token may cost more
// than a few KiB for a few seconds.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Server as NetServer, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { RawData, WebSocket, WebSocketServer } from "ws";
import { listenLocally } from "../local-socket.ts";
import type { PayloadStore } from "../payload-store.ts";
import { acceptPlain, newSecureServer } from "../tls/secure-port.ts";
import type { ServerCertificate } from "../tls/server-certificate.ts";
import { makeToken, tokensEqual } from "../token.ts";
import { FlockError, type Hello, type Identity, isFlockError, PROTOCOL_VERSION, type Welcome } from "../words/index.ts";
import type { Authenticator } from "./authenticator.ts";
import { bind } from "./bind.ts";
import { decodeHello, encodeHandshake, MAX_HELLO_BYTES, refused, SUBPROTOCOL } from "./handshake.ts";
import { Places } from "./places.ts";
import { ReadingClock } from "./reading-clock.ts";
import { streamOf } from "./relay-stream.ts";
import { DEFAULT_MAX_FRAME_BYTES, type DownDirection, type UpDirection } from "./scheduler-link.ts";
import { ServerLink, type ServerLinkHandlers, type Traffic } from "./server-link.ts";
import { websockets } from "./websockets.ts";
import { type Line, readWhole } from "./whole-messages.ts";

const AUTHENTICATE_MS = 5_000;
const MAX_STRANGERS = 1_000;
const CLOSE_MS = 1_000;
/** Also says that it is a scheduler that answers so, and not a web server. */
const BUSY = `503 Service Unavailable\r\nRetry-After: 1\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}`;
/** What a WebSocket adds to a small frame, and a close frame. */
const ENVELOPE_BYTES = 256;

/** What becomes of somebody who has shown the token. */
export interface Admission<U extends UpDirection = UpDirection, D extends DownDirection = DownDirection> {
  readonly welcome: Omit<Welcome, "t" | "protocol" | "maxFrameBytes" | "user" | "role" | "peerKey" | "peersUseTls">;
  readonly up: U;
  readonly down: D;
  readonly silentMs: number;
  /** Called at once, after the welcome was sent; the link's messages go to what it returns. */
  attach(link: ServerLink<U, D>): ServerLinkHandlers<U>;
}

/** A connection that carries bytes and no messages: one end of a relay. */
export interface StreamAdmission {
  readonly welcome: Admission["welcome"];
  /** Called at once, after the welcome was sent. */
  stream(ends: Duplex): void;
}

export interface LinkServerOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly authenticator: Authenticator;
  /** TLS, for this port and those of the workers; default: plain text. */
  readonly certificate?: ServerCertificate | null;
  readonly payloads: PayloadStore;
  readonly maxFrameBytes?: number;
  readonly authenticateMs?: number;
  readonly pingMs?: number;
  /** Connections that have not been welcomed yet, at a time; a quarter of them from one address. Default 1,000. */
  readonly maxStrangers?: number;
  /** Told of what the authenticator failed with that is no FlockError; who asked is refused with FLOCK_INTERNAL. */
  trouble?(error: unknown): void;
  /** Decides about a hello whose token is somebody's; throws a FlockError to refuse it. `from`: the address that it came from. */
  admit(hello: Hello, who: Identity, from: string): Admission | StreamAdmission;
}

export class LinkServer {
  readonly #options: LinkServerOptions;
  /** See `Welcome`. */
  readonly peerKey: string = makeToken();
  readonly #http: Server;
  /** For programs of this machine; what it accepts is the other server's business. */
  #local: NetServer | null = null;
  readonly #sockets: WebSocketServer;
  /** What has passed through all links, since the start. */
  readonly traffic: Traffic = { receivedMessages: 0, receivedBytes: 0, sentMessages: 0, sentBytes: 0 };
  readonly #links: Set<ServerLink> = new Set();
  readonly #clock: ReadingClock;
  readonly #ping: NodeJS.Timeout;
  readonly #strangers: Places;
  #port = 0;
  #closing = false;

  /** Throws FLOCK_PORT_IN_USE, or FLOCK_ADDRESS_INVALID when the host is not one of this machine. */
  static async listen(options: LinkServerOptions): Promise<LinkServer> {
    const server = new LinkServer(options);
    try {
      await bind(server.#http, options.host, options.port);
      server.#port = (server.#http.address() as AddressInfo).port;
      server.#local = await listenLocally(options.host, server.#port, (socket) => {
        acceptPlain(server.#http, server.#certificate !== null, socket);
        socket.resume();
      });
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  private constructor(options: LinkServerOptions) {
    this.#options = options;
    this.#strangers = new Places(options.maxStrangers ?? MAX_STRANGERS);
    const limits = { headersTimeout: AUTHENTICATE_MS, connectionsCheckingInterval: 1_000, maxHeaderSize: 8_192 };
    this.#http = this.#certificate === null ? createServer(limits) : newSecureServer(limits, this.#certificate);
    this.#http.on("request", explainPort);
    this.#http.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    const ws = websockets();
    this.#sockets = new ws.WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: this.#maxFrameBytes,
      skipUTF8Validation: true,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    });
    this.#clock = new ReadingClock(() => {
      for (const link of this.#links) link.judge();
    });
    this.#ping = setInterval(() => {
      for (const link of this.#links) link.ping();
    }, options.pingMs ?? 2_000);
    this.#ping.unref();
  }

  get #certificate(): ServerCertificate | null {
    return this.#options.certificate ?? null;
  }

  get #maxFrameBytes(): number {
    return this.#options.maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES;
  }

  get port(): number {
    return this.#port;
  }

  /** Stops to listen; flushes and closes every link. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    clearInterval(this.#ping);
    this.#clock.stop();
    for (const link of this.#links) link.close();
    const ended = Promise.all([end(this.#http), end(this.#local)]);
    const timer = setTimeout(() => {
      for (const socket of this.#sockets.clients) socket.terminate();
      this.#http.closeAllConnections();
    }, CLOSE_MS);
    for (const socket of this.#sockets.clients) socket.close(1001);
    this.#http.closeIdleConnections();
    await ended;
    clearTimeout(timer);
    this.#sockets.close();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", ignore);
    const hasRoom = this.#strangers.hasRoomFor((socket as Socket).remoteAddress);
    if (this.#closing || !hasRoom || request.headers.origin !== undefined) {
      const status = request.headers.origin === undefined ? BUSY : "403 Forbidden";
      // Not half closed: nobody would ever end the other half.
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`, () => socket.destroy());
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (client) => {
      client.on("error", readWhole({ socket: client, wire: socket }, { masked: true, maxBytes: this.#maxFrameBytes }));
      this.#greet(client, socket as Socket);
    });
  }

  /** A stranger: may send one small frame, soon. */
  #greet(client: WebSocket, socket: Socket): void {
    const leave = this.#strangers.take(socket.remoteAddress);
    const known = (): void => {
      leave();
      clearTimeout(timer);
      socket.off("data", count);
      client.removeAllListeners("message");
      client.off("close", known);
    };
    const refuse = (error: FlockError): void => {
      known();
      client.send(encodeHandshake(refused(error)));
      client.close(1008);
      setTimeout(() => client.terminate(), CLOSE_MS).unref();
    };
    const start = socket.bytesRead;
    const count = (): void => {
      if (socket.bytesRead - start > MAX_HELLO_BYTES + ENVELOPE_BYTES) {
        refuse(helloTooLarge());
        socket.pause();
      }
    };
    const authenticateMs = this.#options.authenticateMs ?? AUTHENTICATE_MS;
    let hasSpoken = false;
    const timer = setTimeout(() => refuse(hasSpoken ? tooSlow() : noHello(authenticateMs)), authenticateMs);
    socket.prependListener("data", count);
    client.on("close", known);
    client.once("message", (data: RawData) => {
      hasSpoken = true;
      // Nothing more may come before the welcome.
      client.once("message", () => refuse(new FlockError("FLOCK_PROTOCOL", "A frame came before the welcome.")));
      const from = peerOf(socket);
      const fail = (error: FlockError): void => {
        if (client.readyState === client.OPEN) refuse(error);
      };
      this.#identify(data as Buffer, from).then(
        ([hello, who]) => {
          if (client.readyState !== client.OPEN || this.#closing) return;
          let admission: Admission | StreamAdmission;
          try {
            admission = this.#options.admit(hello, who, from);
          } catch (error) {
            if (!isFlockError(error)) throw error;
            fail(error);
            return;
          }
          known();
          // At once: of two who come together, one is attached before the other is admitted.
          this.#welcome({ socket: client, wire: socket }, from, who, admission);
        },
        (error: unknown) => fail(this.#coded(error)),
      );
    });
  }

  async #identify(data: Buffer, from: string): Promise<[Hello, Identity]> {
    // What came in one piece with the upgrade was not counted.
    if (data.length > MAX_HELLO_BYTES) throw helloTooLarge();
    const hello = decodeHello(data);
    // Who knows the peers' key has been welcomed before.
    const isPeer = hello.role === "relay" && tokensEqual(hello.token, this.peerKey);
    return [hello, isPeer ? PEER : await this.#options.authenticator.identify(hello.token, from)];
  }

  /** Whatever an authenticator fails with is the end of one connection, and not of all. */
  #coded(error: unknown): FlockError {
    if (isFlockError(error)) return error;
    this.#options.trouble?.(error);
    return new FlockError(
      "FLOCK_INTERNAL",
      "The token could not be checked: the scheduler failed at it. Its log says why.",
    );
  }

  #welcome(line: Line, from: string, who: Identity, admission: Admission | StreamAdmission): void {
    const { socket: client } = line;
    const maxFrameBytes = this.#maxFrameBytes;
    const peerKey = who.role === "viewer" ? "" : this.peerKey;
    const facts = {
      protocol: PROTOCOL_VERSION,
      maxFrameBytes,
      ...who,
      peerKey,
      peersUseTls: this.#certificate !== null,
    };
    client.send(encodeHandshake({ t: "welcome", ...facts, ...admission.welcome }));
    if ("stream" in admission) {
      admission.stream(streamOf(client));
      return;
    }
    const link = new ServerLink({
      ...line,
      up: admission.up,
      down: admission.down,
      payloads: this.#options.payloads,
      clock: this.#clock,
      received: admission.welcome.received,
      traffic: this.traffic,
      silentMs: admission.silentMs,
      peer: from,
    });
    this.#links.add(link);
    client.on("close", () => this.#links.delete(link));
    link.listen(admission.attach(link));
  }
}

/** Who shows the peers' key at a relay: a worker, or who fetches from one. */
const PEER: Identity = { user: "", role: "worker" };

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return remoteAddress === undefined ? "this machine" : `${remoteAddress}:${remotePort}`;
}

function noHello(ms: number): FlockError {
  return new FlockError("FLOCK_UNAUTHORIZED", `No hello came within ${ms} ms.`);
}

/** It may be right: who connects is to try again. */
function tooSlow(): FlockError {
  return new FlockError("FLOCK_TRY_LATER", "The token could not be checked in time: the scheduler is too busy.");
}

function helloTooLarge(): FlockError {
  return new FlockError("FLOCK_FRAME_TOO_LARGE", `The first frame is larger than ${MAX_HELLO_BYTES} bytes.`);
}

function explainPort(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(426, { "content-type": "text/plain", upgrade: "websocket", connection: "close" });
  response.end(
    "This is a Taskflock port for programs, not for browsers; the scheduler's page is on port 8787 by default.\n",
  );
}

function ignore(): void {}

/** Resolves when the server has no connection any more. */
function end(server: NetServer | null): Promise<void> {
  if (!server?.listening) return Promise.resolve();
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
