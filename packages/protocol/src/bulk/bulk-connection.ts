// One connection to a peer port, from the asking side: one transfer at a time.

import { parseAddress } from "../address.ts";
import { decodeRefused, encodeHandshake } from "../link/handshake.ts";
import { openRelay } from "../link/relay-stream.ts";
import { localPathOf } from "../local-socket.ts";
import type { SchedulerPlace } from "../tls/trust.ts";
import { malformed } from "../validation/fields.ts";
import { FlockError, isFlockError, isRelayed, PROTOCOL_VERSION, type TaskId } from "../words/index.ts";
import { PeerBusy } from "./bulk-errors.ts";
import {
  BulkParser,
  bulkFrame,
  type ChunkWriter,
  numbersBody,
  OP,
  Receiving,
  readNumbers,
  sendChunks,
} from "./bulk-frames.ts";
import { type Carrier, dial, type OpenCarrier, over } from "./carrier.ts";
import { Channel, type ChannelEvents, type ChannelRequest, encodeChannelRequest } from "./channel.ts";
import { knownChecksums } from "./checksums.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Received } from "./received.ts";
import { Silence } from "./silence.ts";

const CONNECT_MS = 5_000;
/** A transfer in which nothing moves for so long is given up. */
const STALL_MS = 30_000;

/** Who connects, and how. */
export interface Caller {
  key(): string;
  /** Whether peers speak TLS beyond their machine. */
  tls(): boolean;
  /** The caller's own, random: peers share out their attention by it. */
  readonly name: string;
  /** Which relays; null: nothing is relayed. */
  readonly scheduler: SchedulerPlace | null;
  /** Ends what is being opened. */
  readonly closing: AbortSignal;
  /** Default 30 s. */
  readonly stallMs?: number | undefined;
}

/** What is done with the answer that is due. */
interface Answer {
  onFrame(op: number, body: Buffer): void;
  readonly receiving: Receiving | null;
  onChunk(): void;
}

export class BulkConnection {
  readonly #carrier: Carrier;
  readonly address: string;
  /** The number of the worker at the other end; 0 when it has none yet. */
  peer = 0;
  /** One at a time. */
  #transfer: { readonly answer: Answer; readonly fail: (error: Error) => void } | null = null;
  /** What the connection has become, if it was asked to be one. */
  #channel: Channel | null = null;
  readonly #silence: Silence;
  readonly #stallMs: number;
  /** Grows with everything that comes and goes. */
  #moved = 0;
  #connected = false;
  #ended: FlockError | null = null;
  /** Whether it has served a transfer before. */
  used = false;

  /** Rejects with FLOCK_CONNECTION_REFUSED, or what the other end refuses with. */
  static async open(address: string, caller: Caller, signal?: AbortSignal): Promise<BulkConnection> {
    if (isRelayed(address)) {
      const stream = await openRelay(address, caller.scheduler, caller.key(), "reader", signal);
      return BulkConnection.#greet(address, caller, over(stream), caller.stallMs ?? STALL_MS, signal);
    }
    const { host, port } = parseAddress(address);
    const path = localPathOf(host, port);
    if (path !== null) {
      try {
        return await BulkConnection.#greet(address, caller, dial({ path }), CONNECT_MS, signal);
      } catch (error) {
        if (!isFlockError(error, "FLOCK_CONNECTION_REFUSED")) throw error;
      }
    }
    const tcp = dial({ host, port, noDelay: true }, caller.tls() ? caller.key() : null);
    return BulkConnection.#greet(address, caller, tcp, CONNECT_MS, signal);
  }

  static #greet(
    address: string,
    caller: Caller,
    open: OpenCarrier,
    withinMs: number,
    signal: AbortSignal | undefined,
  ): Promise<BulkConnection> {
    const signals = [signal, caller.closing];
    let connection: BulkConnection;
    const close = (): void => connection.close();
    return new Promise<BulkConnection>((resolve, reject) => {
      connection = new BulkConnection(address, caller, open);
      for (const one of signals) one?.addEventListener("abort", close);
      const onFrame = (op: number, body: Buffer): void => {
        if (op === OP.wait) return;
        if (op === OP.busy) throw new PeerBusy(body.toString("utf8"));
        if (op !== OP.welcome) throw malformed("bulk", `the operation ${op} came before the welcome`);
        [connection.peer = 0] = readNumbers(body, 1, "bulk.welcome");
        connection.#transfer = null;
        connection.#silence.stop();
        resolve(connection);
      };
      connection.#transfer = { answer: { receiving: null, onFrame, onChunk: () => {} }, fail: reject };
      connection.#silence.watch(withinMs);
      const { name } = caller;
      const hello = { t: "hello", role: "peer", protocol: PROTOCOL_VERSION, token: caller.key(), name } as const;
      connection.#carrier.write(bulkFrame(OP.hello, encodeHandshake(hello)));
      if (signals.some((one) => one?.aborted)) close();
    }).finally(() => {
      for (const one of signals) one?.removeEventListener("abort", close);
    });
  }

  private constructor(address: string, caller: Caller, open: OpenCarrier) {
    this.address = address;
    this.#stallMs = caller.stallMs ?? STALL_MS;
    const parser = new BulkParser({
      onFrame: (op, body) => {
        if (op === OP.refused) throw decodeRefused(body);
        (this.#channel ?? this.#due()).onFrame(op, body);
      },
      chunkTarget: (length) => (this.#channel ?? this.#receiving()).chunkTarget(length),
      onChunk: (length) => {
        if (this.#channel !== null) {
          this.#channel.onChunk();
          return;
        }
        this.#receiving().advance(length);
        this.#due().onChunk();
      },
    });
    this.#silence = new Silence(
      () => this.#moved,
      () => this.#end(this.#connected ? stalled(address) : unreachable(address, "it did not answer in time")),
    );
    this.#carrier = open({
      parser,
      read: (step) => {
        this.#moved++;
        try {
          step();
        } catch (error) {
          this.#end(isFlockError(error) ? error : lost(address, String(error)), error);
        }
      },
      connected: () => {
        this.#connected = true;
      },
      failed: (error) => {
        this.#end(this.#connected ? lost(address, error.message) : unreachable(address, error.message, error));
      },
      closed: () => this.#end(lost(address, "the connection ended")),
    });
  }

  get open(): boolean {
    return this.#ended === null;
  }

  /**
   * Goes on with what `received` has, whose sum is `sum`, or begins anew. Rejects with what `into` throws; FLOCK_TASK_UNKNOWN when it is
   * not there; FLOCK_CONNECTION_LOST, FLOCK_PROTOCOL.
   */
  fetch(
    task: TaskId,
    received: Received,
    sum: number,
    into: (bytes: number) => Uint8Array,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    return this.#run(signal, (resolve, fail) => {
      let receiving: Receiving | null = null;
      const size = received.target?.length ?? 0;
      this.#carrier.write(bulkFrame(OP.get, numbersBody(task, knownChecksums(), received.bytes, size, sum)));
      const progress = (): void => {
        received.bytes = receiving!.filled;
        if (receiving!.complete) resolve(received.target!);
      };
      return {
        get receiving(): Receiving | null {
          return receiving;
        },
        onFrame: (op, body) => {
          if (op === OP.wait && receiving === null) return;
          if (op === OP.absent) return fail(absent(body));
          if (op === OP.busy) return fail(new PeerBusy(body.toString("utf8")));
          if (op !== OP.found || receiving !== null) throw malformed("bulk", `the operation ${op} is no answer`);
          const [bytes = 0, from = 0] = readNumbers(body, 2, "bulk.found");
          receiving = new Receiving(roomFor(received, bytes, from, into), from);
          progress();
        },
        onChunk: progress,
      };
    });
  }

  /** Rejects with FLOCK_TASK_UNKNOWN when the upload was not announced; FLOCK_CONNECTION_LOST, FLOCK_PROTOCOL. */
  put(task: TaskId, data: Outgoing, signal?: AbortSignal): Promise<void> {
    return this.#run(signal, (resolve, fail) => {
      this.#carrier.write(bulkFrame(OP.put, numbersBody(task, data.size)));
      let sent: boolean | null = null;
      let stored = false;
      // The peer may say so before this end has noticed that the last bytes are gone: until then they are read.
      const finish = (): void => {
        if (sent && stored) resolve(undefined);
      };
      return {
        receiving: null,
        onFrame: (op, body) => {
          if (op === OP.absent && sent === null) fail(absent(body));
          else if (op === OP.ready && sent === null) {
            sent = false;
            const [kinds] = readNumbers(body, 1, "bulk.ready");
            sendChunks(this.#counting(), data, kinds!, () => {
              sent = true;
              finish();
            });
          } else if (op === OP.stored && sent !== null) {
            stored = true;
            finish();
          } else throw malformed("bulk", `the operation ${op} is no answer`);
        },
        onChunk: () => {},
      };
    });
  }

  /**
   * Makes the connection a channel, which then is all that it does. `accept` says what is done with what comes. Rejects with
   * FLOCK_TASK_UNKNOWN when the member is not there.
   */
  openChannel(request: ChannelRequest, accept: (channel: Channel) => ChannelEvents): Promise<void> {
    return this.#run(undefined, (resolve, fail) => {
      this.#carrier.write(bulkFrame(OP.channel, encodeChannelRequest(request, knownChecksums())));
      const onFrame = (op: number, body: Buffer): void => {
        if (op === OP.absent) {
          fail(absent(body));
          return;
        }
        if (op !== OP.opened) throw malformed("bulk", `the operation ${op} is no answer`);
        const [kinds] = readNumbers(body, 1, "bulk.opened");
        resolve(undefined);
        this.#channel = new Channel(this.#carrier, kinds!, accept);
      };
      return { receiving: null, onFrame, onChunk: () => {} };
    });
  }

  close(): void {
    this.#end(new FlockError("FLOCK_CLOSED", "The connection was closed."));
  }

  /** While nothing runs, the connection does not keep the process alive. */
  #run<T>(
    signal: AbortSignal | undefined,
    start: (resolve: (value: T) => void, fail: (error: FlockError) => void) => Answer,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const abort = (): void => this.#end(new FlockError("FLOCK_CANCELLED", "The transfer is not wanted any more."));
      const settle = (): void => {
        signal?.removeEventListener("abort", abort);
        this.#transfer = null;
        this.used = true;
        this.#silence.stop();
        this.#carrier.unref();
      };
      const fail = (error: Error): void => {
        settle();
        reject(error);
      };
      if (this.#ended !== null) return reject(this.#ended);
      if (signal?.aborted) return reject(new FlockError("FLOCK_CANCELLED", "The transfer is not wanted any more."));
      signal?.addEventListener("abort", abort);
      this.#carrier.ref();
      this.#silence.watch(this.#stallMs);
      const answer = start((value) => {
        settle();
        resolve(value);
      }, fail);
      this.#transfer = { answer, fail };
    });
  }

  /** The carrier; what leaves by it counts as movement. */
  #counting(): ChunkWriter {
    const carrier = this.#carrier;
    const write: ChunkWriter["write"] = (bytes, done) =>
      carrier.write(bytes, (error) => {
        this.#moved++;
        done?.(error);
      });
    return {
      write,
      cork: () => carrier.cork(),
      uncork: () => carrier.uncork(),
    };
  }

  #due(): Answer {
    if (this.#transfer === null) throw malformed("bulk", "an answer came that nobody waits for");
    return this.#transfer.answer;
  }

  #receiving(): Receiving {
    const { receiving } = this.#due();
    if (receiving === null) throw malformed("bulk.chunk", "no chunk is due");
    return receiving;
  }

  /** `cause`: what is to be told instead, when it is no error of ours. */
  #end(error: FlockError, cause: unknown = error): void {
    if (this.#ended !== null) return;
    this.#ended = error;
    this.#silence.stop();
    this.#carrier.destroy();
    this.#channel?.ended(error.code === "FLOCK_CONNECTION_LOST" ? "the connection to it ended" : error.message);
    this.#transfer?.fail(cause instanceof Error ? cause : error);
  }
}

function absent(body: Buffer): FlockError {
  return new FlockError("FLOCK_TASK_UNKNOWN", body.toString("utf8"));
}

function lost(address: string, why: string): FlockError {
  return new FlockError("FLOCK_CONNECTION_LOST", `The transfer with ${address} broke off: ${why}.`);
}

function stalled(address: string): FlockError {
  return new FlockError("FLOCK_WAIT_TIMEOUT", `The transfer with ${address} was given up: nothing moved for too long.`);
}

function unreachable(address: string, why: string, cause?: Error): FlockError {
  return new FlockError("FLOCK_CONNECTION_REFUSED", `The peer port ${address} cannot be reached: ${why}.`, { cause });
}

/** Throws what `into` throws. */
function roomFor(received: Received, bytes: number, from: number, into: (bytes: number) => Uint8Array): Uint8Array {
  if (from > 0 && (from !== received.bytes || bytes !== received.target?.length)) {
    throw malformed("bulk.found", `it goes on at byte ${from} of ${bytes}, which was not asked for`);
  }
  if (from > 0) return received.target!;
  received.bytes = 0;
  if (received.target?.length !== bytes) received.target = into(bytes).subarray(0, bytes);
  if (received.target.length !== bytes) throw new FlockError("FLOCK_INTERNAL", `no room for ${bytes} bytes was given`);
  return received.target;
}
