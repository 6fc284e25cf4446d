// Who is behind a token.

import { tokensEqual } from "../token.ts";
import { FlockError, type Identity } from "../words/index.ts";

export interface Authenticator {
  /** `from`: the address that shows it. Throws, or rejects with, FLOCK_UNAUTHORIZED. */
  identify(token: string, from: string): Identity | Promise<Identity>;
  /**
   * Until what is returned is called, `listener` is told of users who are gone, or whose role or password is another: who was let in as
   * one of them is to be so no more.
   */
  onRevoked(listener: (users: ReadonlySet<string>) => void): () => void;
}

/** Of the cluster's own token. */
export const CLUSTER: Identity = { user: "", role: "admin" };

/** Of the workers' token. */
const WORKER: Identity = { user: "", role: "worker" };

/** One token, whose holder may everything. */
export function oneToken(right: string): Authenticator {
  return {
    identify: (token) => {
      if (tokensEqual(token, right)) return CLUSTER;
      throw wrongToken();
    },
    onRevoked: () => () => {},
  };
}

/** A token besides, with which workers join, and nobody manages the cluster. */
export function withWorkerToken(inner: Authenticator, workerToken: string): Authenticator {
  return {
    identify: (token, from) => (tokensEqual(token, workerToken) ? WORKER : inner.identify(token, from)),
    onRevoked: (listener) => inner.onRevoked(listener),
  };
}

export function wrongToken(): FlockError {
  return new FlockError(
    "FLOCK_UNAUTHORIZED",
    "The token is wrong. `taskflock token` prints where the scheduler left its token; pass it by --token-file.",
  );
}
