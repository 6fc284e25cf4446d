// Who is behind a token.

import { tokensEqual } from "../token.ts";
import { FlockError, type Identity } from "../words/index.ts";

export interface Authenticator {
  /** `from`: the address that shows it. Throws, or rejects with, FLOCK_UNAUTHORIZED. */
  identify(token: string, from: string): Identity | Promise<Identity>;
}

/** One token, whose holder may everything. */
export function oneToken(right: string): Authenticator {
  return {
    identify: (token) => {
      if (tokensEqual(token, right)) return { user: "", role: "admin" };
      throw wrongToken();
    },
  };
}

export function wrongToken(): FlockError {
  return new FlockError(
    "FLOCK_UNAUTHORIZED",
    "The token is wrong. `taskflock token` prints where the scheduler left its token; pass it by --token-file.",
  );
}
