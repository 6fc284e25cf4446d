// Addresses as people write them.

import { FlockError } from "./words/index.ts";

export interface Address {
  /** What a socket is opened with: `ws://host:port/` or `wss://…`. */
  readonly url: string;
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Port of the scheduler when an address names none. */
export const DEFAULT_PORT = 8786;

/**
 * Understands `host`, `host:8786`, `ws://host:8786`, `wss://host`, `[::1]:8786`.
 * Throws FLOCK_ADDRESS_INVALID.
 */
export function parseAddress(text: string): Address {
  const trimmed = text.trim();
  const invalid = (why: string): FlockError =>
    new FlockError(
      "FLOCK_ADDRESS_INVALID",
      `The address ${JSON.stringify(text)} ${why}. Write it as host:port, ws://host:port or wss://host:port.`,
    );
  if (trimmed === "") throw invalid("is empty");
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(trimmed)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== "ws" && scheme !== "wss") throw invalid(`starts with ${scheme}://`);
  const rest = scheme === undefined ? trimmed : trimmed.slice(scheme.length + 3);
  const parts = /^(\[[0-9a-f:.%a-z]+\]|[^\s:/?#@[\]]+)(?::(\d+))?\/?$/i.exec(rest);
  if (parts === null) throw invalid("is not a host and a port");
  const port = parts[2] === undefined ? DEFAULT_PORT : Number(parts[2]);
  if (port < 1 || port > 65_535) throw invalid(`has the port ${parts[2]}, which is not within 1 … 65535`);
  const url = `${scheme ?? "ws"}://${parts[1]}:${port}/`;
  if (!URL.canParse(url)) throw invalid("is not a host and a port");
  return { url, host: parts[1]!.replace(/^\[|\]$/g, ""), port };
}

/** Whether only this machine can reach the host. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** `host:port`, with brackets where the host is an IPv6 address. */
export function formatAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
