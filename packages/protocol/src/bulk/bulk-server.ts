// The peer port of a worker: hands out results by task, and takes uploads that were announced.

import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Server as SecureServer } from "node:tls";
import { bind } from "../link/bind.ts";
import { listenLocally } from "../local-socket.ts";
import { newPeerTls } from "../tls/peer-tls.ts";
import type { FlockError, TaskId } from "../words/index.ts";
import type { BulkSink } from "./bulk-frames.ts";
import type { Channel, ChannelEvents, ChannelRequest } from "./channel.ts";
import type { BulkSource } from "./outgoing.ts";
import { Connection, type Send } from "./serving-connection.ts";
import { type TurnLimits, Turns } from "./turns.ts";

/** Results that are sent at the same time; further requests wait, and those that are too many come again later. */
const SENDING = { total: 8, perPeer: 4, waiting: 4096 };
/** Who waits hears so often that it does. */
const WAIT_MS = 2_000;

export interface BulkTarget {
  /** Exactly as long as the upload. */
  readonly target: Uint8Array | BulkSink;
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
  /** What peers must show: the scheduler says it in its welcome. Empty before that: they are to come again. */
  key(): string;
  /** Whether peers on other machines must speak TLS, which takes the key for a shared one. Default: no. */
  tls?(): boolean;
  /** The number that the scheduler gave this worker; 0 while there is none. */
  identity?(): number;
  /** The result of a task, or null when it is not here. */
  open(task: TaskId): BulkSource | null;
  /** Room for an upload; null when it is not wanted or there is no room. */
  accept(task: TaskId, bytes: number): BulkTarget | BulkEarly | null;
  /** Takes a channel to a member that is here, or says why not. Without it there are no channels. */
  channel?(request: ChannelRequest): ((channel: Channel) => ChannelEvents) | string;
  /** A transfer in which nothing moves for so long is given up, milliseconds. Default 30 s. */
  readonly stallMs?: number;
  /** Default: 8 results at once, 4 of them to one peer, and 4096 that wait. */
  readonly sending?: TurnLimits;
}

export class BulkServer {
  readonly #options: BulkServerOptions;
  readonly #server: Server;
  /** For peers on this machine. */
  #local: Server | null = null;
  /** For those who must speak TLS; made with the first of them. */
  #tls: SecureServer | null = null;
  /** Their sockets, of whom some have not shown yet that they know the key. */
  readonly #secured: Set<Socket> = new Set();
  readonly #connections: Set<Connection> = new Set();
  readonly #turns: Turns;
  /** Those of them whose requests wait. */
  readonly #waiting: Set<Connection> = new Set();
  readonly #wait: NodeJS.Timeout;
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
    this.#turns = new Turns(options.sending ?? SENDING);
    this.#wait = setInterval(() => {
      for (const connection of this.#waiting) connection.sayWait();
    }, WAIT_MS);
    this.#wait.unref();
    this.#server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => this.#arrived(socket));
  }

  get port(): number {
    return this.#port;
  }

  /** Serves whoever is at the other end of a relay. */
  serve(stream: Duplex): void {
    this.#accept(stream);
  }

  /** Cuts what is under way. */
  async close(): Promise<void> {
    clearInterval(this.#wait);
    // The local one first: whoever gets the port next has its name, too.
    const servers = this.#local === null ? [this.#server] : [this.#local, this.#server];
    const ended = servers.map((server) => new Promise<void>((done) => server.close(() => done())));
    for (const connection of this.#connections) connection.end();
    for (const socket of this.#secured) socket.destroy();
    await Promise.all([...ended, ...Array.from(this.#connections, ({ closed }) => closed)]);
  }

  #arrived(socket: Socket): void {
    if (this.#options.tls?.() !== true) {
      this.#accept(socket);
      return;
    }
    this.#secured.add(socket);
    socket.once("close", () => this.#secured.delete(socket));
    this.#tls ??= newPeerTls(this.#options.key, (secure) => this.#accept(secure));
    this.#tls.emit("connection", socket);
  }

  #accept(stream: Duplex): void {
    const connection = new Connection(stream, this.#options, (one, peer, send) => this.#queue(one, peer, send));
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
  }

  /** Runs `send` when its turn has come; it calls back when it is over. Null: it is not to wait. */
  #queue(connection: Connection, peer: string, send: Send): (() => void) | null {
    let started = false;
    const takeBack = this.#turns.take(peer, (over) => {
      started = true;
      this.#waiting.delete(connection);
      send(over);
    });
    if (takeBack !== null && !started) this.#waiting.add(connection);
    if (takeBack === null) return null;
    return () => {
      this.#waiting.delete(connection);
      takeBack();
    };
  }
}
