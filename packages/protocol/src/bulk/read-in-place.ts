// Sockets that were accepted, read to where the bytes stay. Node lets a socket read into given memory (`onread`) where it
// connects, not where it is accepted: there every 64 KiB come in a buffer of their own, and cost three times as much. Both are
// made around the same handle, so the handle is taken out and a socket is made around it that reads as it is told.

import { Socket, type SocketConstructorOpts } from "node:net";
import type { Duplex } from "node:stream";
import type { BulkParser } from "./bulk-frames.ts";

/** What Node keeps in a socket; it is not among what it documents. */
interface WithHandle {
  _handle?: { readonly useUserBuffer?: unknown } | null;
}

/**
 * The socket to use in place of `accepted`, which must not have been read from: what it reads goes to `parser`, in `step`.
 * Where the runtime has no such handles it is `accepted` itself, and its bytes are copied.
 */
export function readInPlace(accepted: Socket, parser: BulkParser, step: (take: () => void) => void): Socket {
  const handle = takeHandle(accepted);
  if (handle === null) {
    accepted.on("data", (bytes: Buffer) => step(() => parser.feed(bytes)));
    return accepted.resume();
  }
  const onread = {
    buffer: () => parser.target,
    callback: (count: number) => {
      step(() => parser.advance(count));
      return true;
    },
  };
  return new Socket({ handle, onread } as SocketConstructorOpts);
}

function takeHandle(accepted: Socket): object | null {
  if ("encrypted" in accepted) return null; // its handle is TLS's
  const holder = accepted as unknown as WithHandle;
  const handle = holder._handle ?? null;
  if (handle === null || typeof handle.useUserBuffer !== "function") return null;
  holder._handle = null;
  accepted.destroy(); // its server forgets it
  return handle;
}

/** What comes over a stream that is no socket, with a copy. */
export function readStream(stream: Duplex, parser: BulkParser, step: (take: () => void) => void): Duplex {
  stream.on("data", (bytes: Buffer) => step(() => parser.feed(bytes)));
  stream.on("end", () => stream.destroy());
  return stream;
}
