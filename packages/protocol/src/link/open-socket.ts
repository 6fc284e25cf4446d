// One attempt to connect: from an address to a welcomed WebSocket, or to an error a person understands.

import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";
import { parseAddress } from "../address.ts";
import { localPathOf } from "../local-socket.ts";
import { connectTls } from "../tls/connect-tls.ts";
import { tlsError, tlsRequired, UPGRADE_TO_TLS } from "../tls/tls-errors.ts";
import { NO_CA, type Trust, usesTls } from "../tls/trust.ts";
import { FlockError, type Hello, isFlockError, type Welcome } from "../words/index.ts";
import { decodeAnswer, encodeHandshake, SUBPROTOCOL } from "./handshake.ts";
import { ReusingSocket } from "./reusing-socket.ts";
import { websockets } from "./websockets.ts";
import { type Line, readWhole } from "./whole-messages.ts";

export interface OpenedSocket extends Line {
  readonly welcome: Welcome;
  /** To be called once by who listens from now on: takes the listeners off, and says which frames came after the welcome already. */
  takeOver(): Buffer[];
}

export interface SocketOptions {
  readonly address: string;
  /** Default: as the address says, with the CAs that Node trusts. */
  readonly trust?: Trust | undefined;
  readonly hello: Hello;
  readonly timeoutMs: number;
  readonly maxFrameBytes: number;
  /** Messages are looked at in their event, and not kept. */
  readonly keepsNothing?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A WebSocket as all of Taskflock opens them: no compression, and a mask that changes nothing. */
function newSocket(options: SocketOptions, path: string | null): WebSocket {
  const { address, timeoutMs, maxFrameBytes } = options;
  const ws = websockets();
  return new ws.WebSocket(parseAddress(address).url, SUBPROTOCOL, {
    createConnection: connector(options, path),
    perMessageDeflate: false,
    handshakeTimeout: timeoutMs,
    maxPayload: maxFrameBytes,
    followRedirects: false,
    skipUTF8Validation: true,
    generateMask: (mask) => mask.fill(0),
  });
}

/** TLS is for what leaves the machine. */
function connector({ address, trust = NO_CA, keepsNothing }: SocketOptions, path: string | null): () => Socket {
  const { host, port } = parseAddress(address);
  if (path === null && usesTls(address, trust)) return () => connectTls(host, port, trust);
  const to = path === null ? { host, port } : { path };
  return () => (keepsNothing === true ? new ReusingSocket() : new Socket()).connect(to);
}

/**
 * Rejects with FLOCK_ADDRESS_INVALID, FLOCK_CONNECTION_REFUSED, FLOCK_NOT_A_SCHEDULER, FLOCK_TLS_…, FLOCK_CERTIFICATE_…, or what the
 * scheduler refuses with.
 */
export async function openSocket(options: SocketOptions): Promise<OpenedSocket> {
  const { host, port } = parseAddress(options.address);
  const path = localPathOf(host, port);
  if (path === null) return open(options, null);
  try {
    return await open(options, path);
  } catch (error) {
    // Whoever listened there is gone; another may have the port.
    if (!isFlockError(error, "FLOCK_CONNECTION_REFUSED") || !hasNotConnected(error.cause)) throw error;
    return open(options, null);
  }
}

/** `path`: of a Unix socket that leads to the same scheduler as the address. */
function open(options: SocketOptions, path: string | null): Promise<OpenedSocket> {
  return new Promise((resolve, reject) => {
    const socket = newSocket(options, path);
    const timer = setTimeout(() => fail(refusedError(options.address, "it did not answer in time")), options.timeoutMs);
    const abort = (): void => fail(refusedError(options.address, "the attempt was given up"));
    const early: Buffer[] = [];
    let wire: Duplex | undefined;
    let stopReading = ignore;
    const settle = (listener: (data: RawData) => void): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", abort);
      socket.removeAllListeners();
      socket.on("error", stopReading); // a socket that is thrown away may still fail
      socket.on("message", listener);
    };
    const takeOver = (): Buffer[] => {
      socket.removeAllListeners("message");
      return early;
    };
    const fail = (error: Error): void => {
      settle(ignore);
      socket.terminate();
      reject(error);
    };
    options.signal?.addEventListener("abort", abort);
    if (options.signal?.aborted) return abort();
    socket.on("unexpected-response", (request, response) => {
      request.destroy();
      if (response.headers.upgrade === UPGRADE_TO_TLS) return fail(tlsRequired(options.address));
      if (isBusy(response)) return fail(tooBusy(options.address));
      fail(notScheduler(options.address, `it answers as a web server does (HTTP ${response.statusCode})`));
    });
    socket.on("error", (error) => fail(socketError(options.address, error)));
    socket.on("close", () => fail(notScheduler(options.address, "it closed the connection without a welcome")));
    socket.on("upgrade", (response) => {
      wire = response.socket;
    });
    socket.on("open", () => {
      stopReading = readWhole({ socket, wire: wire! }, { masked: false, maxBytes: options.maxFrameBytes });
      socket.send(encodeHandshake(options.hello));
    });
    socket.on("message", (data: RawData) => {
      try {
        const answer = decodeAnswer(data as Buffer);
        if (answer instanceof FlockError) return fail(answer);
        settle((frame) => early.push(Buffer.from(frame as Buffer)));
        resolve({ socket, wire: wire!, welcome: answer, takeOver });
      } catch (error) {
        const ours = isFlockError(error) && error.code !== "FLOCK_PROTOCOL";
        fail(ours ? error : notScheduler(options.address, "it does not speak Taskflock's protocol", error));
      }
    });
  });
}

function ignore(): void {}

function hasNotConnected(cause: unknown): boolean {
  return cause instanceof Error && "syscall" in cause && cause.syscall === "connect";
}

function socketError(address: string, error: Error & { code?: string }): FlockError {
  if (isFlockError(error)) return error;
  const { code } = error;
  const aboutTls = tlsError(address, error);
  if (aboutTls !== null) return aboutTls;
  const spoke =
    code?.startsWith("HPE_") || code?.startsWith("WS_ERR") || /subprotocol|Upgrade|Sec-WebSocket/i.test(error.message);
  if (spoke || /hang up/.test(error.message)) return notScheduler(address, error.message, error);
  return refusedError(address, error.message === "" ? (code ?? "unknown") : error.message, error);
}

function refusedError(address: string, why: string, cause?: Error): FlockError {
  return new FlockError(
    "FLOCK_CONNECTION_REFUSED",
    `No scheduler answers at ${address}: ${why}. Start one with \`taskflock scheduler\`, and check host and port.`,
    { cause },
  );
}

/** A scheduler at which too many others are not welcomed yet. */
function isBusy({ statusCode, headers }: IncomingMessage): boolean {
  return statusCode === 503 && headers["sec-websocket-protocol"] === SUBPROTOCOL;
}

function tooBusy(address: string): FlockError {
  return new FlockError(
    "FLOCK_TRY_LATER",
    `The scheduler at ${address} takes no further connection for now: too many are being let in, or it is about to end.`,
  );
}

function notScheduler(address: string, why: string, cause?: unknown): FlockError {
  return new FlockError(
    "FLOCK_NOT_A_SCHEDULER",
    `What answers at ${address} is not a scheduler's port: ${why}. Use the scheduler's port (8786 unless you chose another), not its page's.`,
    { cause },
  );
}
