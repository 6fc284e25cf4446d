// The quick way past ws must not be told from ws: what comes in any pieces, right or wrong, has the same effects with and without it.

import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { encodeFrame, FrameBuilder } from "../src/frames/frames.ts";
import { ReusingSocket } from "../src/link/reusing-socket.ts";
import { readWhole, sendPacket } from "../src/link/whole-messages.ts";
import { PayloadStore } from "../src/payload-store.ts";

const seed = 20261122;

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
const MAX_BYTES = 300;

/** A server's WebSocket over a stream in memory. */
function accept(written: Buffer[]): { socket: WebSocket; wire: Duplex } {
  const wire = new Duplex({
    read: () => undefined,
    write: (chunk, _encoding, done) => {
      written.push(chunk);
      done();
    },
  });
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_BYTES, skipUTF8Validation: true });
  const headers = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-key": Buffer.alloc(16).toString("base64"),
    "sec-websocket-version": "13",
  };
  let accepted: WebSocket | undefined;
  server.handleUpgrade({ method: "GET", headers } as unknown as IncomingMessage, wire, Buffer.alloc(0), (socket) => {
    accepted = socket;
  });
  written.length = 0; // the handshake
  return { socket: accepted!, wire };
}

/** Everything that these bytes bring about. `atOnce`: as after a pause, when several reads lie there already. */
async function effects(bytes: Buffer, cuts: readonly number[], atOnce: boolean, quick: boolean): Promise<unknown> {
  const written: Buffer[] = [];
  const { socket, wire } = accept(written);
  const happened: unknown[] = [];
  let stop = (): void => undefined;
  if (quick) stop = readWhole({ socket, wire }, { masked: true, maxBytes: MAX_BYTES });
  socket.on("error", (error) => {
    stop();
    happened.push(["error", (error as Error & { code?: string }).code]);
  });
  socket.on("message", (data, isBinary) => happened.push(["message", isBinary, Buffer.from(data as Buffer)]));
  socket.on("ping", (data) => happened.push(["ping", Buffer.from(data)]));
  socket.on("pong", (data) => happened.push(["pong", Buffer.from(data)]));
  socket.on("close", (code, reason) => happened.push(["close", code, String(reason)]));
  let from = 0;
  for (const cut of [...cuts.map((part) => part % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    wire.push(Buffer.from(bytes.subarray(from, cut))); // ws takes masks off in place
    from = cut;
    if (!atOnce) await turn();
  }
  wire.push(null);
  await turn();
  await turn();
  wire.destroy();
  await turn();
  return { happened, written: Buffer.concat(written), readyState: socket.readyState };
}

interface Piece {
  readonly first: number;
  readonly masked: boolean;
  readonly mask: number;
  readonly data: Uint8Array;
}

function encode({ first, masked, mask, data }: Piece): Buffer {
  const { length } = data;
  const sizes = length < 126 ? Buffer.of(length) : Buffer.of(126, length >> 8, length & 0xff);
  if (masked) sizes[0]! |= 0x80;
  const key = Buffer.of(mask, 0, 0, mask);
  const body = Buffer.from(data.map((byte, i) => (masked ? byte ^ key[i % 4]! : byte)));
  return Buffer.concat([Buffer.of(first), sizes, ...(masked ? [key] : []), body]);
}

const data = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 120, maxLength: 330 }));
/** What a link sends: whole, binary, and a mask that changes nothing. */
const usual = fc.record({ first: fc.constant(0x82), masked: fc.constant(true), mask: fc.constant(0), data });
const short = fc.uint8Array({ maxLength: 125 });
/** Messages in pieces, pings, pongs, closing, texts. */
const allowed = fc.record({
  first: fc.constantFrom(0x82, 0x02, 0x00, 0x80, 0x89, 0x8a, 0x88, 0x81),
  masked: fc.constant(true),
  mask: fc.constantFrom(0, 0, 7),
  data: short,
});
const any = fc.record({ first: fc.nat(255), masked: fc.boolean(), mask: fc.nat(255), data });

describe("read past ws", () => {
  test.each([
    ["as links do", fc.array(usual, { maxLength: 8 })],
    ["in any way that is allowed, or nearly", fc.array(fc.oneof(usual, allowed), { maxLength: 10 })],
    ["in wrong ways", fc.array(fc.oneof(usual, usual, allowed, any), { maxLength: 6 })],
  ])("messages that come %s", async (_name, messages) => {
    await fc.assert(
      fc.asyncProperty(messages, fc.array(fc.nat(), { maxLength: 8 }), fc.boolean(), async (pieces, cuts, atOnce) => {
        const bytes = Buffer.concat(pieces.map(encode));
        expect(await effects(bytes, cuts, atOnce, true)).toEqual(await effects(bytes, cuts, atOnce, false));
      }),
      { seed, numRuns: 200 },
    );
  });

  test.each([
    ["no mask", { first: 0x82, masked: false }],
    ["a bit that means nothing", { first: 0xc2, masked: true }],
    ["the end of a message that did not begin", { first: 0x80, masked: true }],
    ["a close", { first: 0x88, masked: true }],
  ])("nothing behind %s, however it is cut and lies there already", async (_name, wrong) => {
    const good = encode({ first: 0x82, masked: true, mask: 0, data: Uint8Array.of(1, 2, 3) });
    const bad = encode({ ...wrong, mask: 0, data: Uint8Array.of(3, 232) });
    const bytes = Buffer.concat([good, bad, good, good]);
    const ends = [good.length, good.length + bad.length, 2 * good.length + bad.length];
    const quick = (await effects(bytes, ends, true, true)) as { readonly happened: readonly unknown[][] };
    expect(quick).toEqual(await effects(bytes, ends, true, false));
    expect(quick.happened.filter(([what]) => what === "message")).toHaveLength(1);
  });

  test("any bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.array(fc.nat(), { maxLength: 4 }), async (bytes, cuts) => {
        const whole = Buffer.from(bytes);
        expect(await effects(whole, cuts, false, true)).toEqual(await effects(whole, cuts, false, false));
      }),
      { seed, numRuns: 200 },
    );
  });
});

test("a socket that reads into the same memory: nothing that comes is of a later read", async () => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const wire = new ReusingSocket();
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { createConnection: () => wire.connect(port, "127.0.0.1") });
  socket.on("open", () => readWhole({ socket, wire }, { masked: false, maxBytes: 1_000_000 }));
  const [other] = (await once(server, "connection")) as [WebSocket];
  const random = mulberry32(seed);
  const sent: Buffer[] = [];
  const received: Buffer[] = [];
  socket.on("message", (data) => received.push(Buffer.from(data as Buffer)));
  let pings = 0;
  socket.on("ping", () => pings++);
  for (let i = 0; i < 400; i++) {
    const length = Math.floor(random() ** 8 * 200_000) + 1;
    const message = Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
    sent.push(message);
    const inPieces = random() < 0.1;
    if (inPieces) other.send(message.subarray(0, length >> 1), { fin: false });
    other.send(inPieces ? message.subarray(length >> 1) : message);
    if (random() < 0.1) other.ping();
    if (random() < 0.3) await turn();
  }
  other.close(1000, "over");
  const [code, reason] = await once(socket, "close");
  expect([code, String(reason)]).toEqual([1000, "over"]);
  expect(received.map((each, i) => each.equals(sent[i]!))).toEqual(sent.map(() => true));
  expect(pings).toBeGreaterThan(10);
  await new Promise((resolve) => server.close(resolve));
});

test.each([0, 20, 90, 95, 300, 65_000, 65_520, 200_000])(
  "a packet with a result of %i bytes is its frame's message",
  (bytes) => {
    const store = new PayloadStore();
    const result = store.put(new Uint8Array(bytes).fill(7));
    const messages = {
      toClient: { t: "done", n: 1, bytes, result },
      worker: { t: "finished", task: 1, attempt: 1, bytes, result, version: 0, durationUs: 1 },
    };
    for (const direction of ["toClient", "worker"] as const) {
      const message = messages[direction] as never;
      const plain = encodeFrame(direction, { seq: 3, ack: 2 }, [message], store);
      const builder = new FrameBuilder(direction);
      builder.add(message, store);
      const written: Buffer[] = [];
      const line = accept(written);
      line.socket.send(plain);
      const byWs = Buffer.concat(written.splice(0));
      sendPacket(line, builder.pack({ seq: 3, ack: 2 }));
      // A worker's is masked, with zeros; here a server has sent both.
      const masked = direction === "worker";
      const start = byWs.length - plain.length;
      if (masked) byWs[1]! |= 0x80;
      const expected = [byWs.subarray(0, start), Buffer.alloc(masked ? 4 : 0), plain];
      expect(Buffer.concat(written).equals(Buffer.concat(expected))).toBe(true);
    }
  },
);
