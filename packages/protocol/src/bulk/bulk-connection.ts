// One connection to a peer port, from the asking side: one transfer at a time.

import { connect, type NetConnectOpts, type Socket } from "node:net";
import { parseAddress } from "../address.ts";
import { decodeRefused, encodeHandshake } from "../link/handshake.ts";
import { localPathOf } from "../local-socket.ts";
import { malformed } from "../validation/fields.ts";
import { FlockError, isFlockError, PROTOCOL_VERSION, type TaskId } from "../words/index.ts";
import { BulkParser, bulkFrame, numbersBody, OP, Receiving, readNumbers, sendChunks } from "./bulk-frames.ts";
import { knownChecksums } from "./checksums.ts";
import type { Outgoing } from "./outgoing.ts";

const CONNECT_MS = 5_000;
/** A transfer in which nothing moves for so long is given up. */
const STALL_MS = 30_000;

/** What is done with the answer that is due. */
interface Answer {
  onFrame(op: number, body: Buffer): void;
  readonly receiving: Receiving | null;
  onChunk(): void;
}

export class BulkConnection {
  readonly #socket: Socket;
  readonly address: string;
  /** One at a time. */
  #transfer: { readonly answer: Answer; readonly fail: (error: Error) => void } | null = null;
  #connected = false;
  #ended: FlockError | null = null;
  /** Whether it has served a transfer before. */
  used = false;

  /** Rejects with FLOCK_CONNECTION_REFUSED, or what the other end refuses with. */
  static async open(address: string, token: string): Promise<BulkConnection> {
    const { host, port } = parseAddress(address);
    const path = localPathOf(host, port);
    if (path !== null) {
      try {
        return await BulkConnection.#greet(address, token, { path });
      } catch (error) {
        if (!isFlockError(error, "FLOCK_CONNECTION_REFUSED")) throw error;
      }
    }
    return BulkConnection.#greet(address, token, { host, port, noDelay: true });
  }

  static #greet(address: string, token: string, to: NetConnectOpts): Promise<BulkConnection> {
    return new Promise((resolve, reject) => {
      const connection = new BulkConnection(address, to);
      const onFrame = (op: number): void => {
        if (op !== OP.welcome) throw malformed("bulk", `the operation ${op} came before the welcome`);
        connection.#transfer = null;
        resolve(connection);
      };
      connection.#transfer = { answer: { receiving: null, onFrame, onChunk: () => {} }, fail: reject };
      const hello = { t: "hello", role: "peer", protocol: PROTOCOL_VERSION, token, name: "" } as const;
      connection.#socket.write(bulkFrame(OP.hello, encodeHandshake(hello)));
    });
  }

  private constructor(address: string, to: NetConnectOpts) {
    this.address = address;
    const parser = new BulkParser({
      onFrame: (op, body) => {
        if (op === OP.refused) throw decodeRefused(body);
        this.#due().onFrame(op, body);
      },
      chunkTarget: (length) => this.#receiving().chunkTarget(length),
      onChunk: (length) => {
        this.#receiving().advance(length);
        this.#due().onChunk();
      },
    });
    this.#socket = connect({
      ...to,
      onread: {
        buffer: () => parser.target,
        callback: (count: number) => {
          try {
            parser.advance(count);
          } catch (error) {
            this.#end(isFlockError(error) ? error : lost(address, String(error)), error);
          }
          return true;
        },
      },
    });
    this.#socket.setTimeout(CONNECT_MS, () => {
      if (this.#transfer !== null) this.#end(lost(address, "nothing moved for too long"));
    });
    this.#socket.once("connect", () => {
      this.#connected = true;
      this.#socket.setTimeout(STALL_MS);
    });
    this.#socket.on("error", (error) => {
      this.#end(this.#connected ? lost(address, error.message) : unreachable(address, error));
    });
    this.#socket.on("close", () => this.#end(lost(address, "the connection ended")));
  }

  get open(): boolean {
    return this.#ended === null;
  }

  /** Rejects with what `into` throws; FLOCK_TASK_UNKNOWN when it is not there; FLOCK_CONNECTION_LOST, FLOCK_PROTOCOL. */
  fetch(task: TaskId, into: (bytes: number) => Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#run(signal, (resolve, fail) => {
      let target: Uint8Array | null = null;
      let receiving: Receiving | null = null;
      this.#socket.write(bulkFrame(OP.get, numbersBody(task, knownChecksums())));
      const finish = (): void => {
        if (receiving?.complete) resolve(target!);
      };
      return {
        get receiving(): Receiving | null {
          return receiving;
        },
        onFrame: (op, body) => {
          if (op === OP.absent) return fail(absent(body));
          if (op !== OP.found || receiving !== null) throw malformed("bulk", `the operation ${op} is no answer`);
          const [bytes] = readNumbers(body, 1, "bulk.found");
          target = into(bytes!).subarray(0, bytes);
          if (target.length !== bytes) throw new FlockError("FLOCK_INTERNAL", `no room for ${bytes} bytes was given`);
          receiving = new Receiving(target);
          finish();
        },
        onChunk: finish,
      };
    });
  }

  /** Rejects with FLOCK_TASK_UNKNOWN when the upload was not announced; FLOCK_CONNECTION_LOST, FLOCK_PROTOCOL. */
  put(task: TaskId, data: Outgoing, signal?: AbortSignal): Promise<void> {
    return this.#run(signal, (resolve, fail) => {
      this.#socket.write(bulkFrame(OP.put, numbersBody(task, data.bytes.length)));
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
            sendChunks(this.#socket, data, kinds!, () => {
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
        this.#socket.unref();
      };
      const fail = (error: Error): void => {
        settle();
        reject(error);
      };
      if (this.#ended !== null) return reject(this.#ended);
      if (signal?.aborted) return reject(new FlockError("FLOCK_CANCELLED", "The transfer is not wanted any more."));
      signal?.addEventListener("abort", abort);
      this.#socket.ref();
      const answer = start((value) => {
        settle();
        resolve(value);
      }, fail);
      this.#transfer = { answer, fail };
    });
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
    this.#socket.destroy();
    this.#transfer?.fail(cause instanceof Error ? cause : error);
  }
}

function absent(body: Buffer): FlockError {
  return new FlockError("FLOCK_TASK_UNKNOWN", body.toString("utf8"));
}

function lost(address: string, why: string): FlockError {
  return new FlockError("FLOCK_CONNECTION_LOST", `The transfer with ${address} broke off: ${why}.`);
}

function unreachable(address: string, cause: Error): FlockError {
  return new FlockError("FLOCK_CONNECTION_REFUSED", `The peer port ${address} cannot be reached: ${cause.message}.`, {
    cause,
  });
}
