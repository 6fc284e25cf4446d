// What the scheduler says to an end of a relay that waits, in the words of the transfer that it waits for.

import { bulkFrame, OP } from "../bulk/bulk-frames.ts";
import type { FlockError } from "../words/index.ts";
import { encodeHandshake, refused } from "./handshake.ts";

/** The reader is to wait on. */
export function relayWait(): Buffer {
  return bulkFrame(OP.wait, Buffer.alloc(0));
}

/** Too many wait: the reader is to come again later. */
export function relayBusy(): Buffer {
  return bulkFrame(OP.busy, Buffer.from("Too many relays wait at the scheduler."));
}

export function relayRefused(error: FlockError): Buffer {
  return bulkFrame(OP.refused, encodeHandshake(refused(error)));
}
