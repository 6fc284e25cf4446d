// A link to a status page that signs in who opens it first.

import { FlockError } from "@taskflock/client";

/** How long the page's server may take, milliseconds: its first answer takes longest, on a busy machine seconds. */
const PATIENCE_MS = 20_000;

/**
 * The page's address with a one-time code, good for ten minutes. Rejects with FLOCK_CONNECTION_REFUSED when nobody answers there, and
 * FLOCK_UNAUTHORIZED when the token is not taken.
 */
export async function makePageLink(page: string, token: string): Promise<string> {
  const answer = await fetch(new URL("/api/v1/codes", page), {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).catch((cause: unknown) => {
    throw new FlockError("FLOCK_CONNECTION_REFUSED", `No status page answers at ${page}.`, { cause });
  });
  if (!answer.ok) {
    const code = answer.status === 401 || answer.status === 403 ? "FLOCK_UNAUTHORIZED" : "FLOCK_CONNECTION_REFUSED";
    throw new FlockError(code, `The status page at ${page} gives no link: it answered ${answer.status}.`);
  }
  const { path } = (await answer.json()) as { readonly path: string };
  return new URL(path, page).href;
}
