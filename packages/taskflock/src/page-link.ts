// A link to a cluster's page that signs in.

import { type Client, FlockError } from "@taskflock/client";
import { makePageLink } from "@taskflock/cluster";
import { parseAddress, readToken, readTrust } from "@taskflock/protocol/links";

interface Place {
  readonly address: string;
  readonly tokenFile?: string;
  readonly tlsCa?: string;
}

/** Rejects with FLOCK_PATH_UNKNOWN when the scheduler has no page, and FLOCK_CONNECTION_REFUSED when it is not reached from here. */
export async function pageLink(client: Client, { address, tokenFile, tlsCa }: Place): Promise<string> {
  const { dashboard } = (await client.cluster()).scheduler;
  if (dashboard === null) throw new FlockError("FLOCK_PATH_UNKNOWN", `The scheduler at ${address} serves no page.`);
  const url = new URL(dashboard);
  // It listens on all addresses of its machine: on that by which it was found, too.
  if (url.hostname === "0.0.0.0" || url.hostname === "[::]") {
    const { host } = parseAddress(address);
    url.hostname = host.includes(":") ? `[${host}]` : host;
  }
  return makePageLink(url.href, readToken({ address, tokenFile }), readTrust(tlsCa).caFile);
}
