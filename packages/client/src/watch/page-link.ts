// A link to a status page that signs in who opens it first.

import { FlockError, isFlockError } from "@taskflock/protocol/words";
import { type TlsOptions, trustOf } from "../client-options.ts";

/** How long the page's server may take, milliseconds: its first answer takes longest, on a busy machine seconds. */
const PATIENCE_MS = 20_000;

/**
 * The page's address with a one-time code, good for ten minutes. `tls`: as for `Client.connect`, for a page at https://. Rejects with
 * FLOCK_CONNECTION_REFUSED when nobody answers there, FLOCK_UNAUTHORIZED when the token is not taken, and FLOCK_TLS_… or
 * FLOCK_CERTIFICATE_… when it is not known to be the right page.
 */
export async function makePageLink(page: string, token: string, tls?: TlsOptions | false): Promise<string> {
  const { askPage } = await import("@taskflock/protocol");
  const request = {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(PATIENCE_MS),
  } as const;
  const answer = await askPage(new URL("/api/v1/codes", page), request, trustOf(tls)).catch((cause: unknown) => {
    if (isFlockError(cause)) throw cause;
    throw new FlockError("FLOCK_CONNECTION_REFUSED", `No status page answers at ${page}.`, { cause });
  });
  if (!answer.ok) {
    const code = answer.status === 401 || answer.status === 403 ? "FLOCK_UNAUTHORIZED" : "FLOCK_CONNECTION_REFUSED";
    throw new FlockError(code, `The status page at ${page} gives no link: it answered ${answer.status}.`);
  }
  const { path } = (await answer.json()) as { readonly path: string };
  return new URL(path, page).href;
}
