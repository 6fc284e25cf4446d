// The link of a client, a worker or a nanny to the scheduler. Upstream is reliable and in order across cuts; downstream is
// reconciled by both ends after one.

import type { RawData, WebSocket } from "ws";
import { type Direction, decodeFrame, FrameBuilder } from "../frames/frames.ts";
import type { PayloadStore } from "../payload-store.ts";
import type { Trust } from "../tls/trust.ts";
import {
  type Directions,
  FlockError,
  type Hello,
  isFlockError,
  PROTOCOL_VERSION,
  type Welcome,
} from "../words/index.ts";
import { decodeRefused, isHandshake } from "./handshake.ts";
import { type OpenedSocket, openSocket } from "./open-socket.ts";
import { ReadingClock } from "./reading-clock.ts";
import { Upstream } from "./upstream.ts";
import { type Line, sendPacket } from "./whole-messages.ts";

export type UpDirection = "client" | "worker" | "nanny";
export type DownDirection = "toClient" | "toWorker";
type HelloOf<U extends UpDirection> = Omit<
  Extract<Hello, { role: U }>,
  "t" | "protocol" | "token" | "resume" | "observer"
> &
  /** A client that only asks, and does not count among the sessions; else false. */
  (U extends "client" ? { readonly observer?: boolean } : unknown);

/** Largest frame unless both ends say otherwise, bytes. */
export const DEFAULT_MAX_FRAME_BYTES: number = 4 * 1024 * 1024;
/**
 * Largest frame that is taken from the scheduler, bytes. More than it takes itself: a task brings its small inputs along, and may have
 * thousands of them.
 */
const MAX_DOWN_BYTES: number = 128 * 1024 * 1024;
/** What is collected is sent at the end of the turn, or at once when there is so much. */
export const FLUSH_BYTES: number = 64 * 1024;
export const FLUSH_MESSAGES = 1024;
const CONNECT_MS = 5_000;
const CLOSE_MS = 2_000;
const SILENT_MS = 20_000;
const FIRST_RETRY_MS = 20;
const LAST_RETRY_MS = 1_000;
/** Not sooner: a password that is being checked takes a fifth of a second. */
const FIRST_BUSY_MS = 200;
/** Answers that a further attempt would only get again. */
const FINAL = new Set([
  "FLOCK_UNAUTHORIZED",
  "FLOCK_FORBIDDEN",
  "FLOCK_VERSION_MISMATCH",
  "FLOCK_PROTOCOL",
  "FLOCK_CLOSED",
]);

export interface SchedulerLinkOptions<U extends UpDirection, D extends DownDirection> {
  readonly address: string;
  /** Default: TLS only where the address says wss://, and the CAs that Node trusts. */
  readonly trust?: Trust | undefined;
  readonly token: string;
  readonly up: U;
  readonly down: D;
  /** The role, and who it is. */
  readonly hello: HelloOf<U>;
  readonly payloads: PayloadStore;
  /** How long a cut link is tried again (20 ms to 1 s between attempts, with jitter) before `onGone`. */
  readonly reconnectMs: number;
  /** How long a scheduler that is too busy at first (FLOCK_TRY_LATER) is tried again. Default 5,000. */
  readonly busyMs?: number;
  /** Largest frame that is received, default 128 MiB; what may be sent, the scheduler says. */
  readonly maxFrameBytes?: number;
  /** A scheduler that says nothing for so long, counted while this process was reading, is taken for cut off. */
  readonly silentMs?: number;
  /** One frame; payload references in it were put into `payloads`. */
  onMessages(messages: Directions[D][]): void;
  /** After each connect, the first one (once `open` has resolved) and every later one. `resumed` false on a later one: the scheduler knows us no more. */
  onUp(welcome: Welcome): void;
  onDown(): void;
  /** Final: refused, or `reconnectMs` have passed. */
  onGone(error: FlockError): void;
}

type State = "up" | "down" | "closing" | "over";

export class SchedulerLink<U extends UpDirection, D extends DownDirection> {
  readonly #options: SchedulerLinkOptions<U, D>;
  readonly #builder: FrameBuilder<U>;
  readonly #upstream: Upstream = new Upstream();
  readonly #clock: ReadingClock;
  readonly #stop: AbortController = new AbortController();
  readonly #write = (packet: Buffer): void => sendPacket(this.#line, packet);
  #welcome: Welcome;
  #line: Line;
  #state: State = "up";
  #scheduled = false;
  #received = 0;
  #heardAt = 0;
  #retry: NodeJS.Timeout | null = null;
  /** Frames that came before the first `onUp`. */
  #early: Buffer[] | null;
  #onQuiet: (() => void) | null = null;

  /**
   * Connects. Rejects with FLOCK_CONNECTION_REFUSED, FLOCK_NOT_A_SCHEDULER, FLOCK_UNAUTHORIZED, FLOCK_VERSION_MISMATCH or
   * FLOCK_ADDRESS_INVALID, FLOCK_TLS_…, FLOCK_CERTIFICATE_…, or, after `busyMs`, FLOCK_TRY_LATER.
   */
  static async open<U extends UpDirection, D extends DownDirection>(
    options: SchedulerLinkOptions<U, D>,
  ): Promise<SchedulerLink<U, D>> {
    return new SchedulerLink(options, await connectFirst(options));
  }

  private constructor(options: SchedulerLinkOptions<U, D>, opened: OpenedSocket) {
    this.#options = options;
    this.#builder = new FrameBuilder(options.up);
    this.#welcome = opened.welcome;
    this.#line = opened;
    this.#clock = new ReadingClock(() => this.#judge());
    this.#early = this.#listen(opened);
    setImmediate(() => this.#announce());
  }

  get #socket(): WebSocket {
    return this.#line.socket;
  }

  /** What the scheduler said last. */
  get welcome(): Welcome {
    return this.#welcome;
  }

  /** Bytes that were sent or wait, and are not acknowledged. Frames above the scheduler's credit wait here. */
  get unacknowledgedBytes(): number {
    return this.#upstream.bytes + this.#builder.bytes;
  }

  /**
   * Collects a message; its payload bytes are copied now. It is kept until the scheduler has it, across cuts. Dropped when the link is
   * closed or gone. Throws FLOCK_FRAME_TOO_LARGE when it cannot travel. Returns the number of the frame it travels in (see
   * `Welcome.received`), 0 when it was dropped.
   */
  send(message: Directions[U]): number {
    if (this.#state === "over" || this.#state === "closing") return 0;
    const builder = this.#builder;
    const size = builder.weigh(message, this.#options.payloads, this.#welcome.maxFrameBytes);
    if (size > this.#welcome.maxFrameBytes) throw tooLarge(size, this.#welcome.maxFrameBytes);
    if (builder.count > 0 && builder.bytes + size > FLUSH_BYTES) this.flush();
    const frame = this.#upstream.nextSeq;
    builder.add(message, this.#options.payloads);
    if (builder.count === 1 && builder.bytes > this.#welcome.maxFrameBytes) {
      const { length } = builder.finish({ seq: 0, ack: 0 });
      throw tooLarge(length, this.#welcome.maxFrameBytes);
    }
    if (builder.bytes >= FLUSH_BYTES || builder.count >= FLUSH_MESSAGES) this.flush();
    else this.#schedule();
    return frame;
  }

  /** Sends what was collected now. */
  flush(): void {
    this.#collect();
    this.#pump();
  }

  /** Sends what was collected, and closes. Nothing is called any more. */
  async close(): Promise<void> {
    if (this.#state === "over" || this.#state === "closing") return;
    this.flush();
    const wasUp = this.#state === "up";
    this.#state = "closing";
    const early = this.#early ?? []; // closed before the first `onUp`: acknowledgements still count
    this.#early = null;
    for (const frame of early) this.#receive(frame);
    if (wasUp) {
      if (this.#upstream.waiting) await within(CLOSE_MS, (done) => (this.#onQuiet = done));
      this.#socket.close(1000);
      await within(CLOSE_MS, (done) => this.#socket.once("close", done));
    }
    this.#end();
  }

  #announce(): void {
    if (this.#state === "over" || this.#state === "closing") return;
    const early = this.#early ?? [];
    this.#early = null;
    this.#options.onUp(this.#welcome);
    for (const frame of early) this.#receive(frame);
    if (this.#state === "down") this.#options.onDown();
  }

  /** Listens from now on; says which frames came before. */
  #listen({ socket, takeOver }: OpenedSocket): Buffer[] {
    const early = takeOver();
    this.#heardAt = this.#clock.now;
    const heard = (): void => {
      this.#heardAt = this.#clock.now;
    };
    socket.on("ping", heard);
    socket.on("message", (data: RawData) => {
      heard();
      if (this.#early !== null) this.#early.push(Buffer.from(data as Buffer));
      else this.#receive(data as Buffer);
    });
    socket.on("error", (error: Error & { code?: string }) => {
      if (error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") {
        this.#gone(
          new FlockError("FLOCK_FRAME_TOO_LARGE", `A frame from the scheduler is larger than ${this.#limit} bytes.`),
        );
      }
    });
    socket.on("close", (code) => {
      if (socket === this.#socket) this.#cut(code);
    });
    if (socket.readyState !== socket.OPEN) setImmediate(() => this.#cut(1006));
    return early;
  }

  get #limit(): number {
    return this.#options.maxFrameBytes ?? MAX_DOWN_BYTES;
  }

  #receive(data: Buffer): void {
    if (this.#state === "over") return;
    try {
      if (isHandshake(data)) throw decodeRefused(data);
      const { seq, ack, messages } = decodeFrame<Direction>(this.#options.down, data, this.#options.payloads);
      this.#received = seq;
      this.#upstream.acknowledge(ack);
      if (this.#upstream.waiting) this.#pump();
      if (messages.length > 0 && this.#state === "up") this.#options.onMessages(messages as Directions[D][]);
    } catch (error) {
      if (!isFlockError(error)) throw error;
      this.#gone(error);
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#turnEnds);
  }

  /** One function for all turns. */
  readonly #turnEnds = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  #pump(): void {
    if (this.#state === "down" || this.#state === "over" || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#upstream.pump(this.#welcome.creditBytes, this.#received, this.#write);
    if (!this.#upstream.waiting) this.#onQuiet?.();
  }

  #judge(): void {
    if (this.#state !== "up") return;
    if (this.#clock.now - this.#heardAt > (this.#options.silentMs ?? SILENT_MS)) this.#socket.terminate();
  }

  #cut(closeCode: number): void {
    if (this.#state === "closing") this.#onQuiet?.();
    if (this.#state !== "up") return;
    if (closeCode === 1009) {
      this.#gone(new FlockError("FLOCK_FRAME_TOO_LARGE", "The scheduler refused a frame as too large."));
      return;
    }
    this.#state = "down";
    if (this.#early === null) this.#options.onDown();
    if ((this.#state as State) === "down")
      this.#reconnect(performance.now() + this.#options.reconnectMs, FIRST_RETRY_MS);
  }

  /** `why`: what the last attempt failed with. */
  #reconnect(deadline: number, delayMs: number, why: unknown = null): void {
    const left = deadline - performance.now();
    if (left <= 0) {
      this.#gone(lost(this.#options, why));
      return;
    }
    const wait = Math.min(left, delayMs * (0.5 + Math.random() / 2));
    this.#retry = setTimeout(async () => {
      try {
        const timeout = Math.max(50, Math.min(CONNECT_MS, deadline - performance.now()));
        const opened = await connect(this.#options, this.#welcome, timeout, this.#stop.signal);
        if (this.#state === "down") this.#up(opened);
        else opened.socket.terminate();
      } catch (error) {
        if (this.#state !== "down") return;
        if (isFlockError(error) && FINAL.has(error.code)) this.#gone(error);
        else this.#reconnect(deadline, Math.min(LAST_RETRY_MS, delayMs * 2), error);
      }
    }, wait);
  }

  #up(opened: OpenedSocket): void {
    const { welcome } = opened;
    this.#collect(); // belongs to the time before the reconnect
    if (welcome.resumed) this.#upstream.resume(welcome.received);
    else this.#upstream.restart(this.#options.up === "nanny"); // a nanny has no session: what it saw is said again
    this.#welcome = welcome;
    this.#line = opened;
    this.#received = 0;
    this.#state = "up";
    const early = this.#listen(opened);
    this.#pump();
    this.#options.onUp(welcome);
    for (const frame of early) this.#receive(frame);
  }

  #collect(): void {
    if (this.#builder.count > 0) {
      this.#upstream.push(this.#builder.pack({ seq: this.#upstream.nextSeq, ack: this.#received }));
    }
  }

  #gone(error: FlockError): void {
    if (this.#state === "over") return;
    const closing = this.#state === "closing";
    this.#end();
    if (!closing) this.#options.onGone(error);
  }

  #end(): void {
    this.#state = "over";
    this.#clock.stop();
    this.#stop.abort();
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#upstream.restart(false);
    this.#onQuiet?.();
    this.#socket.terminate();
  }
}

/** Many who come at once are let in one after the other. */
async function connectFirst<U extends UpDirection, D extends DownDirection>(
  options: SchedulerLinkOptions<U, D>,
): Promise<OpenedSocket> {
  const deadline = performance.now() + (options.busyMs ?? CONNECT_MS);
  for (let delayMs = FIRST_BUSY_MS; ; delayMs = Math.min(LAST_RETRY_MS, delayMs * 2)) {
    try {
      return await connect(options, null, CONNECT_MS, undefined);
    } catch (error) {
      const wait = delayMs * (0.5 + Math.random() / 2);
      if (!isFlockError(error, "FLOCK_TRY_LATER") || performance.now() + wait > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

function connect<U extends UpDirection, D extends DownDirection>(
  options: SchedulerLinkOptions<U, D>,
  before: Welcome | null,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<OpenedSocket> {
  const resume = before === null ? null : { id: before.id, secret: before.secret };
  const common = { t: "hello", protocol: PROTOCOL_VERSION, token: options.token };
  const known = { ...common, ...(options.up === "client" ? { observer: false } : {}), ...options.hello };
  const hello = (options.up === "nanny" ? known : { ...known, resume }) as unknown as Hello;
  const maxFrameBytes = options.maxFrameBytes ?? MAX_DOWN_BYTES;
  const { address, trust } = options;
  return openSocket({ address, trust, hello, timeoutMs, maxFrameBytes, keepsNothing: true, signal });
}

function tooLarge(bytes: number, limit: number): FlockError {
  return new FlockError(
    "FLOCK_FRAME_TOO_LARGE",
    `A message takes ${bytes} bytes, and the scheduler takes frames of ${limit}. Send large data with scatter, or raise --max-frame-bytes on both ends.`,
  );
}

function lost(options: { readonly address: string; readonly reconnectMs: number }, why: unknown): FlockError {
  // Who refuses the connection is away; anything else is worth telling.
  const last = isFlockError(why) && why.code !== "FLOCK_CONNECTION_REFUSED" ? ` At last: ${why.message}` : "";
  return new FlockError(
    "FLOCK_CONNECTION_LOST",
    `The link to the scheduler at ${options.address} was cut and did not come back within ${options.reconnectMs} ms. ` +
      `Check that the scheduler runs; raise reconnectMs for slow networks.${last}`,
    { cause: why ?? undefined },
  );
}

/** Resolves when `start`'s callback is called, or after `ms`. */
function within(ms: number, start: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    start(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
