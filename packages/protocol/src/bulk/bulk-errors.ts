// What can become of a transfer, as its caller must tell it apart.

import { FlockError, type Holder, isRelayed, type WhyMissing } from "../words/index.ts";

/** FLOCK_TRANSFER_FAILED; its cause says why. */
export class TransferFailed extends FlockError {
  /** False: nobody answered at the address, or it was not the peer. That says nothing about what the peer holds. */
  readonly reached: boolean;

  constructor(message: string, cause: unknown, reached: boolean) {
    super("FLOCK_TRANSFER_FAILED", message, { cause });
    this.reached = reached;
  }
}

/** The peer is there, and so many wait for it already that it takes no more. */
export class PeerBusy extends FlockError {
  constructor(message: string) {
    super("FLOCK_WAIT_TIMEOUT", message);
  }
}

/** What to tell the scheduler of a holder that gave nothing, or took nothing. */
export function whyMissing(holder: Holder, error: unknown): WhyMissing {
  if (!(error instanceof TransferFailed) || error.reached) return "gone";
  return isRelayed(holder.address) ? "relay" : "unreachable";
}
