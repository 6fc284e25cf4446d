// Stands between the scheduler and those who connect to it, and counts what passes: frames, bytes, messages by kind.

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { type Direction, decodeFrame, parseAddress } from "@taskflock/protocol";

/** What has passed in one direction. */
export interface Passed {
  readonly frames: number;
  /** Of the frames, without what WebSockets and TCP add. */
  readonly bytes: number;
  /** By kind: `{ submit: 10000, release: 10000 }`. */
  readonly messages: Readonly<Record<string, number>>;
}

/** Payloads are counted, not kept. */
const nowhere = { putSlice: () => 1 } as unknown as Parameters<typeof decodeFrame>[2];

class Counter {
  frames = 0;
  bytes = 0;
  messages: Record<string, number> = {};
  readonly #direction: Direction;

  constructor(direction: Direction) {
    this.#direction = direction;
  }

  count(frame: Buffer): void {
    this.frames++;
    this.bytes += frame.length;
    for (const { t } of decodeFrame(this.#direction, frame, nowhere).messages) {
      this.messages[t] = (this.messages[t] ?? 0) + 1;
    }
  }

  take(): Passed {
    const { frames, bytes, messages } = this;
    this.frames = 0;
    this.bytes = 0;
    this.messages = {};
    return { frames, bytes, messages };
  }
}

export class CountingProxy {
  readonly address: string;
  readonly #server: Server;
  readonly #up: Counter;
  readonly #down: Counter;

  /** For clients ("client", "toClient") or for workers ("worker", "toWorker"). */
  static async start(scheduler: string, up: Direction, down: Direction): Promise<CountingProxy> {
    const counters = [new Counter(up), new Counter(down)] as const;
    const { host, port } = parseAddress(scheduler);
    const server = createServer({ noDelay: true }, (near) => {
      const far = connect({ host, port, noDelay: true });
      pass(near, far, counters[0]);
      pass(far, near, counters[1]);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new CountingProxy(server, ...counters);
  }

  private constructor(server: Server, up: Counter, down: Counter) {
    this.address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#server = server;
    this.#up = up;
    this.#down = down;
  }

  /** What has passed since the last time. */
  take(): { readonly up: Passed; readonly down: Passed } {
    return { up: this.#up.take(), down: this.#down.take() };
  }

  close(): void {
    this.#server.close();
  }
}

function pass(from: Socket, to: Socket, counter: Counter): void {
  const reader = new WebSocketReader((frame) => counter.count(frame));
  from.on("data", (chunk: Buffer) => {
    reader.push(chunk);
    to.write(chunk);
  });
  from.on("end", () => to.end());
  from.on("error", () => to.destroy());
}

/** Takes the binary messages out of one direction of a WebSocket; the first of them is the handshake, and is left out. */
class WebSocketReader {
  readonly #onMessage: (message: Buffer) => void;
  #pending: Buffer = Buffer.alloc(0);
  #upgraded = false;
  #greeted = false;

  constructor(onMessage: (message: Buffer) => void) {
    this.#onMessage = onMessage;
  }

  push(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    if (!this.#upgraded) {
      const end = this.#pending.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.#upgraded = true;
      this.#pending = this.#pending.subarray(end + 4);
    }
    while (this.#takeOne());
  }

  #takeOne(): boolean {
    const data = this.#pending;
    if (data.length < 2) return false;
    const short = data[1]! & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const masked = (data[1]! & 0x80) !== 0;
    const head = 2 + lengthBytes + (masked ? 4 : 0);
    if (data.length < head) return false;
    const length =
      lengthBytes === 0 ? short : lengthBytes === 2 ? data.readUInt16BE(2) : Number(data.readBigUInt64BE(2));
    if (data.length < head + length) return false;
    const binary = (data[0]! & 0x0f) === 2;
    if (binary && this.#greeted) {
      const message = Buffer.from(data.subarray(head, head + length));
      if (masked) for (let i = 0; i < length; i++) message[i]! ^= data[head - 4 + (i & 3)]!;
      this.#onMessage(message);
    }
    this.#greeted ||= binary;
    this.#pending = data.subarray(head + length);
    return true;
  }
}
