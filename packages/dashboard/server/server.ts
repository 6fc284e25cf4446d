// The HTTP server of a dashboard. It binds its port at once, and loads what answers with the first request: the scheduler's start does
// not wait for it.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { newSecureServer, refusePlain, type ServerCertificate, useTls } from "@taskflock/protocol/links";
import { FlockError } from "@taskflock/protocol/words";
import type { App, AppOptions } from "./app.ts";
import { Codes } from "./auth/codes.ts";

/** Who says a request slowly, or none, is not waited for, milliseconds. */
const LIMITS = { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 };

const CODE_IN_PLAIN =
  "This link has a sign-in code, which just went over the network in plain text: it is good for nothing any more. " +
  "Get another by `taskflock link`, and open it as it is, with https://.";

export interface DashboardOptions {
  /** Host or IP address to listen on, e.g. `127.0.0.1`. */
  readonly host: string;
  /** 0 chooses a free port. */
  readonly port: number;
  /** How `port` is given, for the message when it is taken. */
  readonly portFlag?: string;
  /** TLS, with this certificate. Default: plain text. */
  readonly certificate?: ServerCertificate | null;
}

export type ServeOptions = Omit<AppOptions, "host">;

/**
 * Starts to listen. Requests wait until `serve` says whom it is about. Rejects with FLOCK_PORT_IN_USE, or FLOCK_ADDRESS_INVALID when the
 * host is not one of this machine.
 */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { certificate = null } = options;
  let dashboard: Dashboard | null = null;
  const answerPlain = (request: string): string => toHttps(request, (code) => dashboard?.spoil(code));
  const server = certificate === null ? createServer(LIMITS) : newSecureServer(LIMITS, certificate, answerPlain);
  try {
    await listen(server, options);
  } catch (error) {
    throw listenError(error, options);
  }
  dashboard = new Dashboard(server, options.host, certificate !== null);
  return dashboard;
}

export class Dashboard {
  readonly host: string;
  readonly port: number;
  /** The page's address, e.g. `http://127.0.0.1:8787/status`. */
  readonly url: string;
  readonly #server: Server;
  readonly #sockets: Set<Duplex> = new Set();
  readonly #served: Promise<ServeOptions>;
  #codes: Codes | null = null;
  #serve: (options: ServeOptions) => void = () => undefined;
  #app: Promise<App> | null = null;
  #isServed = false;

  /** Comes from `startDashboard`. */
  constructor(server: Server, host: string, isSecure: boolean) {
    this.#server = server;
    this.host = host;
    this.port = (server.address() as AddressInfo).port;
    this.url = `${isSecure ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${this.port}/status`;
    this.#served = new Promise((resolve) => {
      this.#serve = resolve;
    });
    server.on("request", (request, response) => void this.#answer(request, response));
    server.on("upgrade", (request, socket, head) => void this.#upgrade(request, socket, head));
  }

  /** From now on requests are answered. */
  serve(options: ServeOptions): void {
    this.#codes = new Codes(options.now ?? Date.now);
    this.#isServed = true;
    this.#serve(options);
  }

  /** The page's address with a one-time code: who opens it first, within ten minutes, is signed in as an admin. */
  link(): string {
    return `${this.url}?code=${this.#codes?.make({ user: "", role: "admin" })}`;
  }

  /** The code of a link is good for nothing any more. */
  spoil(code: string): void {
    this.#codes?.take(code);
  }

  /**
   * Connects to the scheduler now, and not with the first request. Null when that worked, else why not; it is tried again. Rejects with
   * what would be the same again: FLOCK_UNAUTHORIZED, FLOCK_VERSION_MISMATCH, FLOCK_ADDRESS_INVALID.
   */
  async connect(): Promise<FlockError | null> {
    return (await this.#load()).connect();
  }

  /** A page that keeps its connection open does not hold it up. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const app = this.#isServed ? this.#app : null;
    await app?.then(
      (loaded) => loaded.close(),
      () => undefined, // it could not be loaded
    );
    this.#server.closeAllConnections();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      (await this.#load()).answer(request, response);
    } catch (error) {
      response.writeHead(500, { "Content-Type": "text/plain; charset=utf-8" });
      response.end(`The dashboard cannot be loaded: ${String(error)}\n`);
    }
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
    try {
      (await this.#load()).upgrade(request, socket, head);
    } catch {
      socket.destroy();
    }
  }

  #load(): Promise<App> {
    this.#app ??= this.#served.then(async (options) => {
      const { createApp } = await import("./app.ts");
      return createApp({ ...options, host: this.host }, this.#codes ?? new Codes(Date.now));
    });
    return this.#app;
  }
}

/** A browser that was given http:// goes on to https://, but with a code: others may have read it, and could be there first. */
function toHttps(request: string, spoil: (code: string) => void): string {
  const target = /^(?:GET|HEAD) (\/[\x21-\x7e]*) HTTP\/1\.[01]\r\n/.exec(request)?.[1];
  const codes = new URLSearchParams(target?.replace(/^[^?]*/, "")).getAll("code");
  if (codes.length > 0) {
    for (const code of codes) spoil(code);
    return refusePlain(CODE_IN_PLAIN);
  }
  const host = /\r\nHost: *([\w.:[\]-]+)\r\n/i.exec(request)?.[1];
  if (target === undefined || host === undefined) return useTls();
  const lines = ["HTTP/1.1 307 Temporary Redirect", `Location: https://${host}${target}`, "Content-Length: 0"];
  return [...lines, "Connection: close", "", ""].join("\r\n");
}

function listen(server: Server, { host, port }: DashboardOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function listenError(error: unknown, { host, port, portFlag = "--port" }: DashboardOptions): unknown {
  if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") {
    return new FlockError(
      "FLOCK_PORT_IN_USE",
      `port ${port} on ${host} is already in use: stop what uses it, or choose another with ${portFlag}`,
      { cause: error },
    );
  }
  return new FlockError(
    "FLOCK_ADDRESS_INVALID",
    `the status page cannot listen at ${host}:${port}: ${error instanceof Error ? error.message : String(error)}`,
    { cause: error },
  );
}
