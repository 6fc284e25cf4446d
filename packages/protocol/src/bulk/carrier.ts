// What a transfer travels over: a socket to the peer, or a WebSocket to the scheduler, which passes everything on (a relay).

import { connect, type IpcNetConnectOpts, type Socket, type TcpNetConnectOpts } from "node:net";
import type { Duplex } from "node:stream";
import { nodeTls } from "../tls/node-tls.ts";
import { peerTlsOptions } from "../tls/peer-tls.ts";
import type { BulkParser, ChunkWriter } from "./bulk-frames.ts";

export interface Carrier extends ChunkWriter {
  /** After what was written. */
  end(): void;
  destroy(): void;
  /** Whether it keeps the process alive. */
  ref(): void;
  unref(): void;
}

export interface CarrierEvents {
  readonly parser: BulkParser;
  /** Bytes have come: `step` hands them to the parser. */
  read(step: () => void): void;
  connected(): void;
  failed(error: Error): void;
  closed(): void;
}

/** Nothing larger is written to a relay at once: what the scheduler passes on goes between its other work, below every limit of frames. */
const RELAYED_BYTES = 64 * 1024;

export type OpenCarrier = (events: CarrierEvents) => Carrier;

/** Bytes are read to where the parser wants them. `tlsKey`: what both ends know; null: plain text. */
export function dial(to: IpcNetConnectOpts | TcpNetConnectOpts, tlsKey: string | null = null): OpenCarrier {
  return (events) => {
    const { parser } = events;
    const callback = (count: number): boolean => {
      events.read(() => parser.advance(count));
      return true;
    };
    const onread = { buffer: () => parser.target, callback };
    const socket = tlsKey === null ? connect({ ...to, onread }) : dialTls({ ...to, onread }, tlsKey);
    socket.once(tlsKey === null ? "connect" : "secureConnect", () => events.connected());
    socket.on("error", (error) => events.failed(error));
    socket.on("close", () => events.closed());
    return socket;
  };
}

/** What is written goes out when the other end has shown that it knows the key, and not before. */
function dialTls(to: object, key: string): Socket {
  const socket = nodeTls().connect({ ...to, ...peerTlsOptions(key) });
  socket.cork();
  socket.once("secureConnect", () => {
    socket.setNoDelay();
    socket.uncork();
  });
  return socket;
}

/** Over a stream that is connected. */
export function over(stream: Duplex): OpenCarrier {
  return (events) => {
    stream.on("data", (bytes: Buffer) => events.read(() => events.parser.feed(bytes)));
    stream.on("error", (error) => events.failed(error));
    stream.on("close", () => events.closed());
    stream.on("end", () => stream.destroy());
    events.connected();
    return {
      write: (bytes, done) => writeParts(stream, bytes, done),
      cork: () => stream.cork(),
      uncork: () => stream.uncork(),
      end: () => void stream.end(),
      destroy: () => stream.destroy(),
      ref: () => {},
      unref: () => {},
    };
  };
}

export function writeParts(stream: Duplex, bytes: Uint8Array, done?: (error?: Error | null) => void): boolean {
  const last = Math.max(0, bytes.length - RELAYED_BYTES);
  let at = 0;
  for (; at < last; at += RELAYED_BYTES) stream.write(bytes.subarray(at, at + RELAYED_BYTES));
  return stream.write(bytes.subarray(at), done);
}
