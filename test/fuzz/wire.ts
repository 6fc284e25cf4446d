// WebSockets by hand, right or wrong: what a client sends byte for byte, and what a server answered.

import type { Random } from "./random.ts";

export const OPCODE = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export function upgradeRequest(port: number, headers: readonly string[] = [], path = "/"): Buffer {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Protocol: taskflock",
    ...headers,
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

/** A frame of one piece, with a mask that changes nothing. */
export function clientFrame(payload: Uint8Array, opcode: number = OPCODE.binary): Buffer {
  return Buffer.concat([frameHeader(0x80 | opcode, payload.length), payload]);
}

/** `first`: FIN, reserved bits, opcode. */
export function frameHeader(first: number, length: number, masked = true): Buffer {
  const mask = masked ? 4 : 0;
  const bit = masked ? 0x80 : 0;
  if (length < 126) return Buffer.concat([Uint8Array.of(first, bit | length), Buffer.alloc(mask)]);
  const wide = length > 0xffff;
  const out = Buffer.alloc((wide ? 10 : 4) + mask);
  out[0] = first;
  out[1] = bit | (wide ? 127 : 126);
  if (wide) out.writeBigUInt64BE(BigInt(length), 2);
  else out.writeUInt16BE(length, 2);
  return out;
}

/** Something that no WebSocket says, or not so. `inner`: a frame that would be right. */
export function wireRubbish(random: Random, inner: Buffer): Buffer {
  const half = random.below(inner.length + 1);
  switch (random.below(12)) {
    case 0:
      return Buffer.concat([frameHeader(0x80 | random.pick([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]), inner.length), inner]);
    case 1:
      return Buffer.concat([frameHeader(0x82, inner.length, false), inner]);
    case 2: {
      const header = frameHeader(0x82, 0x10000);
      header.writeBigUInt64BE(random.pick([2n ** 63n, 2n ** 53n, 2n ** 32n, 2n ** 64n - 1n, 5_000_000n]), 2);
      return Buffer.concat([header, inner]);
    }
    case 3:
      return Buffer.concat([frameHeader(0x02, half), inner.subarray(0, half)]); // and never the rest
    case 4:
      return Buffer.concat([frameHeader(0x80, inner.length), inner]); // goes on with nothing
    case 5:
      return Buffer.concat([frameHeader(0x80 | random.pick([8, 9, 10]), 126 + random.below(400)), Buffer.alloc(600)]);
    case 6:
      return Buffer.concat([frameHeader(0x80 | (random.between(1, 7) << 4) | 2, inner.length), inner]);
    case 7:
      return clientFrame(Buffer.from([0xff, 0xfe, 0x80]), OPCODE.text);
    case 8:
      return clientFrame(random.bytes(random.pick([1, 2, 3, 125])), OPCODE.close);
    case 9:
      return Buffer.concat(Array.from({ length: 40 }, () => clientFrame(random.bytes(8), OPCODE.ping)));
    case 10: {
      const pieces = [frameHeader(0x02, 0)];
      for (let i = 0; i < 60; i++) pieces.push(frameHeader(0x00, 0));
      return Buffer.concat(pieces); // pieces of nothing, without an end
    }
    default:
      return random.bytes(random.between(1, 200));
  }
}

/** Takes apart what a server sends. */
export class Incoming {
  readonly #onFrame: (opcode: number, payload: Buffer) => void;
  /** Of the answer to the request; "" before it is there. */
  status = "";
  #rest: Buffer = Buffer.alloc(0);

  constructor(onFrame: (opcode: number, payload: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  add(bytes: Buffer): void {
    let all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    if (this.status === "") {
      const end = all.indexOf("\r\n\r\n");
      this.#rest = all;
      if (end === -1) return;
      this.status = all.toString("latin1", 0, all.indexOf("\r\n"));
      all = all.subarray(end + 4);
      if (!this.status.includes(" 101 ")) all = Buffer.alloc(0);
    }
    this.#rest = this.#frames(all);
  }

  #frames(all: Buffer): Buffer {
    let at = 0;
    while (all.length - at >= 2) {
      const short = all[at + 1]! & 0x7f;
      const head = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (all.length - at < head) break;
      const length =
        short === 126 ? all.readUInt16BE(at + 2) : short === 127 ? Number(all.readBigUInt64BE(at + 2)) : short;
      if (all.length - at - head < length) break;
      this.#onFrame(all[at]! & 0x0f, all.subarray(at + head, at + head + length));
      at += head + length;
    }
    return at === 0 ? all : Buffer.from(all.subarray(at));
  }
}
