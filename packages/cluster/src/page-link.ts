// A link to a status page that signs in who opens it first.

import { askPage, FlockError, isFlockError } from "@taskflock/client";

/** How long the page's server may take, milliseconds: its first answer takes longest, on a busy machine seconds. */
const PATIENCE_MS = 20_000;

/**
 * The page's address with a one-time code, good for ten minutes. `caFile`: of the CA that signed the page's certificate, where it is none
 * that Node trusts. Rejects with FLOCK_CONNECTION_REFUSED when nobody answers there, FLOCK_UNAUTHORIZED when the token is not taken, and
 * FLOCK_TLS_… or FLOCK_CERTIFICATE_… when it is not known to be the right page.
 */
export async function makePageLink(page: string, token: string, caFile: string | null = null): Promise<string> {
  const headers = { Authorization: `Bearer ${token}` };
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const url = new URL("/api/v1/codes", page);
  const answer = await askPage(url, { method: "POST", headers, signal }, { caFile }).catch((cause: unknown) => {
    if (isFlockError(cause)) throw cause;
    const message = `No status page answers at ${page}: ${reasonOf(cause)}.`;
    throw new FlockError("FLOCK_CONNECTION_REFUSED", message, { cause });
  });
  if (!answer.ok) {
    const code = answer.status === 401 || answer.status === 403 ? "FLOCK_UNAUTHORIZED" : "FLOCK_CONNECTION_REFUSED";
    throw new FlockError(code, `The status page at ${page} gives no link: it answered ${answer.status}.`);
  }
  const { path } = (await answer.json()) as { readonly path: string };
  return new URL(path, page).href;
}

function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return inner instanceof Error ? inner.message : String(inner);
}
