// The peer port of a worker: hands out results by task, and takes uploads that were announced.

import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { bind } from "../link/bind.ts";
import { decodeHello, encodeHandshake, MAX_HELLO_BYTES, refused } from "../link/handshake.ts";
import { listenLocally } from "../local-socket.ts";
import { tokensEqual } from "../token.ts";
import { malformed } from "../validation/fields.ts";
import { FlockError, isFlockError, type TaskId } from "../words/index.ts";
import {
  BulkParser,
  bulkFrame,
  HEADER_BYTES,
  numbersBody,
  OP,
  Receiving,
  readNumbers,
  sendChunks,
} from "./bulk-frames.ts";
import { knownChecksums } from "./checksums.ts";
import { Outgoing } from "./outgoing.ts";
import { readInPlace } from "./read-in-place.ts";

const AUTHENTICATE_MS = 5_000;
/** A transfer in which nothing moves for so long is given up. */
const STALL_MS = 30_000;
/** How long an upload waits to be announced: the client and the worker hear of it over links of their own, in any order. */
const ANNOUNCE_MS = 5_000;
/** Results that are sent at the same time; further requests wait. */
const MAX_SENDING = 8;
const NOTHING = new Uint8Array(0);

/** A lease for reading. */
export interface BulkSource {
  readonly bytes: Uint8Array;
  release(): void;
}

export interface BulkTarget {
  /** Exactly as long as the upload. */
  readonly target: Uint8Array;
  /** All bytes are there. */
  done(): void;
  failed(error: FlockError): void;
}

/** An upload that was not announced yet. */
export interface BulkEarly {
  /** Calls `announced` once it is, unless what is returned was called before. */
  wait(announced: () => void): () => void;
}

export interface BulkServerOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly token: string;
  /** The result of a task, or null when it is not here. */
  open(task: TaskId): BulkSource | null;
  /** Room for an upload; null when it is not wanted or there is no room. */
  accept(task: TaskId, bytes: number): BulkTarget | BulkEarly | null;
}

export class BulkServer {
  readonly #options: BulkServerOptions;
  readonly #server: Server;
  /** For peers on this machine. */
  #local: Server | null = null;
  readonly #connections: Set<Connection> = new Set();
  readonly #waiting: (() => void)[] = [];
  #sending = 0;
  #port = 0;

  /** Throws FLOCK_PORT_IN_USE or FLOCK_ADDRESS_INVALID. */
  static async listen(options: BulkServerOptions): Promise<BulkServer> {
    const server = new BulkServer(options);
    await bind(server.#server, options.host, options.port);
    const { address, port } = server.#server.address() as AddressInfo;
    server.#port = port;
    server.#local = await listenLocally(address, port, (socket) => server.#accept(socket));
    return server;
  }

  private constructor(options: BulkServerOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => this.#accept(socket));
  }

  get port(): number {
    return this.#port;
  }

  /** Cuts what is under way. */
  async close(): Promise<void> {
    // The local one first: whoever gets the port next has its name, too.
    const servers = this.#local === null ? [this.#server] : [this.#local, this.#server];
    const ended = servers.map((server) => new Promise<void>((done) => server.close(() => done())));
    for (const connection of this.#connections) connection.end();
    await Promise.all([...ended, ...Array.from(this.#connections, ({ closed }) => closed)]);
  }

  #accept(socket: Socket): void {
    const connection = new Connection(socket, this.#options, (send) => this.#queue(send));
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
  }

  /** Runs `send` when its turn has come; it calls back when it is over. */
  #queue(send: (over: () => void) => void): void {
    const start = (): void => {
      this.#sending++;
      send(() => {
        this.#sending--;
        this.#waiting.shift()?.();
      });
    };
    if (this.#sending < MAX_SENDING) start();
    else this.#waiting.push(start);
  }
}

type Queue = (send: (over: () => void) => void) => void;

class Connection {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #options: BulkServerOptions;
  readonly #queue: Queue;
  #known = false;
  #busy = false;
  /** Of what is asked for, the last bytes may be at the peer already: its next request comes before this end has noticed. */
  #sending = false;
  #next: (() => void) | null = null;
  #upload: { readonly target: BulkTarget; readonly receiving: Receiving } | null = null;
  /** An upload that came before it was announced. */
  #early: { readonly task: TaskId; readonly bytes: number; readonly giveUp: () => void } | null = null;
  /** What must be given back when the connection ends. */
  #abandon: () => void = () => {};

  constructor(accepted: Socket, options: BulkServerOptions, queue: Queue) {
    this.#options = options;
    this.#queue = queue;
    const parser = new BulkParser({
      onFrame: (op, body) => this.#onFrame(op, body),
      chunkTarget: (length) => this.#due().receiving.chunkTarget(length),
      onChunk: (length) => this.#onChunk(length),
    });
    const socket = readInPlace(accepted, parser, (take) => this.#read(take));
    this.#socket = socket;
    socket.setTimeout(AUTHENTICATE_MS, () => {
      const early = this.#early;
      if (early !== null) {
        this.#stopWaiting();
        this.#refuse(early.task, early.bytes);
      } else if (!this.#known || this.#busy)
        this.#fail(new FlockError("FLOCK_CONNECTION_LOST", "Nothing moved for too long."));
    });
    socket.on("error", () => {}); // `close` follows
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.#closed();
        resolve();
      });
    });
  }

  end(): void {
    this.#socket.destroy();
  }

  #read(take: () => void): void {
    try {
      if (!this.#known && this.#socket.bytesRead > MAX_HELLO_BYTES + HEADER_BYTES) {
        throw malformed("bulk", "no hello came");
      }
      take();
    } catch (error) {
      if (!isFlockError(error)) throw error;
      this.#fail(error);
    }
  }

  #onFrame(op: number, body: Buffer): void {
    if (!this.#known) {
      if (op !== OP.hello) throw malformed("bulk", "the first frame is no hello");
      this.#greet(body);
      return;
    }
    const request = this.#requestOf(op, body);
    if (!this.#busy) request();
    else if (this.#sending && this.#next === null) this.#next = request;
    else throw malformed("bulk", "a request came before the last was answered");
  }

  #requestOf(op: number, body: Buffer): () => void {
    if (op === OP.get) {
      const [task, kinds] = readNumbers(body, 2, "bulk.get");
      return () => this.#get(task as TaskId, kinds!);
    }
    if (op === OP.put) {
      const [task, bytes] = readNumbers(body, 2, "bulk.put");
      return () => this.#put(task as TaskId, bytes!);
    }
    throw malformed("bulk", `the operation ${op} is unknown`);
  }

  #greet(body: Buffer): void {
    const hello = decodeHello(body);
    if (hello.role !== "peer" || !tokensEqual(hello.token, this.#options.token)) {
      throw new FlockError("FLOCK_UNAUTHORIZED", "The token is wrong, or the role is not `peer`.");
    }
    this.#known = true;
    this.#socket.setTimeout(STALL_MS);
    this.#socket.write(bulkFrame(OP.welcome, NOTHING));
  }

  #get(task: TaskId, kinds: number): void {
    this.#busy = true;
    this.#queue((over) => {
      const source = this.#socket.destroyed ? null : this.#options.open(task);
      if (source === null) {
        over();
        this.#answer(OP.absent, Buffer.from(`The result of task ${task} is not here.`));
        return;
      }
      let held = true;
      const release = (): void => {
        if (!held) return;
        held = false;
        source.release();
        over();
      };
      this.#abandon = release;
      this.#socket.write(bulkFrame(OP.found, numbersBody(source.bytes.length)));
      this.#sending = true;
      sendChunks(this.#socket, new Outgoing(source.bytes), kinds, () => {
        release();
        this.#sent();
      });
    });
  }

  #sent(): void {
    this.#busy = false;
    this.#sending = false;
    const next = this.#next;
    this.#next = null;
    if (!this.#socket.destroyed) next?.();
  }

  #put(task: TaskId, bytes: number): void {
    this.#busy = true;
    const target = this.#options.accept(task, bytes);
    if (target === null) this.#refuse(task, bytes);
    else if ("wait" in target) this.#await(task, bytes, target);
    else this.#receive(target);
  }

  #await(task: TaskId, bytes: number, early: BulkEarly): void {
    this.#socket.setTimeout(ANNOUNCE_MS);
    const giveUp = early.wait(() => {
      this.#early = null;
      this.#put(task, bytes);
    });
    this.#early = { task, bytes, giveUp };
  }

  #stopWaiting(): void {
    this.#early?.giveUp();
    this.#early = null;
  }

  #receive(target: BulkTarget): void {
    const receiving = new Receiving(target.target);
    this.#upload = { target, receiving };
    this.#socket.setTimeout(STALL_MS);
    this.#socket.write(bulkFrame(OP.ready, numbersBody(knownChecksums())));
    if (receiving.complete) this.#stored();
  }

  #refuse(task: TaskId, bytes: number): void {
    this.#socket.setTimeout(STALL_MS);
    this.#answer(OP.absent, Buffer.from(`No upload of ${bytes} bytes for task ${task} is expected.`));
  }

  #due(): { readonly target: BulkTarget; readonly receiving: Receiving } {
    if (this.#upload === null) throw malformed("bulk.chunk", "no upload is under way");
    return this.#upload;
  }

  #onChunk(length: number): void {
    const { receiving } = this.#due();
    receiving.advance(length);
    if (receiving.complete) this.#stored();
  }

  #stored(): void {
    const { target } = this.#due();
    this.#upload = null;
    target.done();
    this.#answer(OP.stored, NOTHING);
  }

  #answer(op: number, body: Uint8Array): void {
    this.#busy = false;
    if (!this.#socket.destroyed) this.#socket.write(bulkFrame(op, body));
  }

  #fail(error: FlockError): void {
    if (this.#socket.destroyed) return;
    this.#socket.end(bulkFrame(OP.refused, encodeHandshake(refused(error))));
    this.#socket.destroySoon();
  }

  #closed(): void {
    this.#abandon();
    this.#stopWaiting();
    const upload = this.#upload;
    this.#upload = null;
    upload?.target.failed(new FlockError("FLOCK_TRANSFER_FAILED", "The upload ended before all bytes were there."));
  }
}
