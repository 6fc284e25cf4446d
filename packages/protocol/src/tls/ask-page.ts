// Requests to the status page. What `fetch` trusts are the CAs that Node trusts; a cluster has one of its own.

import type { ClientRequest, IncomingMessage } from "node:http";
import { connectTls } from "./connect-tls.ts";
import type { Trust } from "./trust.ts";

export interface PageRequest {
  readonly method?: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** As `fetch`, with the cluster's CA where there is one. Rejects with what the connection fails with, and FLOCK_CERTIFICATE_FILE. */
export function askPage(url: URL, request: PageRequest, trust: Trust): Promise<Response> {
  return url.protocol === "https:" && trust.caFile !== null ? askByTls(url, request, trust) : fetch(url, request);
}

async function askByTls(url: URL, request: PageRequest, trust: Trust): Promise<Response> {
  const message = await send(url, request, trust);
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  const { statusCode: status = 500, statusMessage: statusText = "" } = message;
  return new Response(status === 204 ? null : Buffer.concat(parts), { status, statusText });
}

function send(
  url: URL,
  { method = "GET", headers, body, signal }: PageRequest,
  trust: Trust,
): Promise<IncomingMessage> {
  const { request } = process.getBuiltinModule("node:https");
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return new Promise((resolve, reject) => {
    const createConnection = () => connectTls(host, Number(url.port || 443), trust);
    const sent: ClientRequest = request(url, { method, headers, signal, createConnection }, resolve);
    sent.on("error", reject);
    sent.end(body);
  });
}
