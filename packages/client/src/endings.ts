// Why a future cannot be known any more.

import { FlockError } from "@taskflock/protocol/words";

export function closedError(): FlockError {
  return new FlockError("FLOCK_CLOSED", "The client was closed. Await what you need before close().");
}

export function releasedError(key: string): FlockError {
  return new FlockError("FLOCK_RELEASED", `The future of ${key} was released. Ask for its result before release().`);
}

export function sessionLostError(address: string): FlockError {
  return new FlockError(
    "FLOCK_SESSION_LOST",
    `The scheduler at ${address} no longer knows this session: it was restarted, or the link was cut for too long. Connect anew and submit again.`,
  );
}

/** A copy, so that every rejection has the stack of the call that met it. */
export function again(error: FlockError): FlockError {
  return new FlockError(error.code, error.message, { cause: error.cause });
}
