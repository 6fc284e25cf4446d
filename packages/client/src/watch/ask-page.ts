// Requests to a status page, for who starts clusters: sockets are loaded when they are needed.

import type { PageRequest, Trust } from "@taskflock/protocol";

/** As `fetch`, with the cluster's CA where there is one. Rejects with what the connection fails with, and FLOCK_CERTIFICATE_FILE. */
export async function askPage(url: URL, request: PageRequest, trust: Trust): Promise<Response> {
  const links = await import("@taskflock/protocol/links");
  return links.askPage(url, request, trust);
}
