// A connection that reads into the same memory again and again: a Buffer for each read, and what a stream does with it, cost more than
// the few bytes of most reads. Connections that were accepted cannot be had so.

import { type ConnectOpts, Socket, type SocketConstructorOpts } from "node:net";

const READ_BYTES = 64 * 1024;

export class ReusingSocket extends Socket {
  /** Who hears "data" keeps nothing of it beyond the event. */
  keepsNothing = false;

  constructor() {
    super(readingBy((chunk) => this.#hear(chunk)));
  }

  #hear(chunk: Buffer): void {
    this.emit("data", this.keepsNothing ? chunk : Buffer.from(chunk));
  }
}

function readingBy(hear: (chunk: Buffer) => void): SocketConstructorOpts & ConnectOpts {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const callback = (bytes: number): boolean => {
    hear(buffer.subarray(0, bytes));
    return true;
  };
  return { onread: { buffer, callback } };
}
