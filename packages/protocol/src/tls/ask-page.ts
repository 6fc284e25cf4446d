// Requests to the status page: as `fetch`, with a CA of one's own.

import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { isLoopback } from "../address.ts";
import { connectTls } from "./connect-tls.ts";
import { tlsError, tlsRequired, UPGRADE_TO_TLS } from "./tls-errors.ts";
import type { Trust } from "./trust.ts";

export interface PageRequest {
  readonly method?: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** Follows no redirect. With a CA nothing leaves the machine as plain text. Rejects as `fetch` does, and with FLOCK_TLS_… and FLOCK_CERTIFICATE_…. */
export async function askPage(url: URL, request: PageRequest, trust: Trust): Promise<Response> {
  if (url.protocol === "http:" && trust.caFile !== null && !isLoopback(hostOf(url))) throw tlsRequired(url.host);
  try {
    if (url.protocol === "https:" && trust.caFile !== null) return await askTrusting(url, request, trust);
    const answer = await fetch(url, { ...request, redirect: "manual" });
    if (!wantsTls(answer)) return answer;
  } catch (error) {
    throw knownError(url, error);
  }
  throw tlsRequired(url.host);
}

/** As a TLS port answers plain text: to what it can lead elsewhere, and to all else. */
function wantsTls({ status, headers }: Response): boolean {
  const leadsThere = status === 307 && headers.get("location")?.startsWith("https:") === true;
  return leadsThere || headers.get("upgrade") === UPGRADE_TO_TLS;
}

function askTrusting(url: URL, { body, ...request }: PageRequest, trust: Trust): Promise<Response> {
  const { request: open } = process.getBuiltinModule("node:https");
  const port = url.port === "" ? 443 : Number(url.port);
  const createConnection = (): ReturnType<typeof connectTls> => connectTls(hostOf(url), port, trust);
  return new Promise((resolve, reject) => {
    const asked = open(url, { ...request, createConnection }, (response) => resolve(responseOf(response)));
    asked.on("error", reject);
    asked.end(body);
  });
}

function responseOf(message: IncomingMessage): Response {
  const status = message.statusCode ?? 500;
  const headers = new Headers();
  for (const [name, values] of Object.entries(message.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  const isEmpty = [204, 205, 304].includes(status);
  if (isEmpty) message.resume();
  return new Response(isEmpty ? null : (Readable.toWeb(message) as ReadableStream), { status, headers });
}

/** `fetch` puts what went wrong below its own error. */
function knownError(url: URL, error: unknown): unknown {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return (inner instanceof Error ? tlsError(url.host, inner) : null) ?? error;
}

/** Without the brackets of an IPv6 address. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}
