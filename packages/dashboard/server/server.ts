// The HTTP side of a scheduler: /status, /health, /metrics and /api/v1.

import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { FlockError } from "@taskflock/protocol/words";
import type { AppOptions } from "./app.ts";

export interface DashboardOptions extends AppOptions {
  /** 0 chooses a free port. */
  readonly port: number;
}

export interface Dashboard {
  readonly host: string;
  readonly port: number;
  /** The page's address, e.g. `http://127.0.0.1:8787/status`. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts the HTTP server. What answers is loaded with the first request: the scheduler's start does not wait for it. Rejects with
 * FLOCK_PORT_IN_USE, or FLOCK_ADDRESS_INVALID when the host is not one of this machine.
 */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  let app: Promise<RequestListener> | undefined;
  const server = createServer((request, response) => {
    app ??= loadApp(options);
    app.then(
      (answer) => answer(request, response),
      (error: unknown) => fail(response, error),
    );
  });
  try {
    await listen(server, options);
  } catch (error) {
    throw listenError(error, options);
  }
  const { port } = server.address() as AddressInfo;
  const shown = options.host.includes(":") ? `[${options.host}]` : options.host;
  return { host: options.host, port, url: `http://${shown}:${port}/status`, close: () => close(server) };
}

async function loadApp(options: DashboardOptions): Promise<RequestListener> {
  const { createApp } = await import("./app.ts");
  return createApp(options);
}

function fail(response: ServerResponse, error: unknown): void {
  response.writeHead(500, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ error: `the status page cannot be loaded: ${String(error)}` }));
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

/** A page that keeps its connection open must not hold up the scheduler's end. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function listenError(error: unknown, { host, port }: DashboardOptions): unknown {
  if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") {
    return new FlockError(
      "FLOCK_PORT_IN_USE",
      `port ${port} on ${host} is already in use: stop what uses it, or choose another with --dashboard-port`,
      { cause: error },
    );
  }
  return new FlockError(
    "FLOCK_ADDRESS_INVALID",
    `the status page cannot listen at ${host}:${port}: ${error instanceof Error ? error.message : String(error)}`,
    { cause: error },
  );
}
