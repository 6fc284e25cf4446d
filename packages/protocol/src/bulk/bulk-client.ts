// Fetches and uploads results. A few connections per peer, kept for the next transfer; what exceeds them waits.

import { FlockError, isFlockError, type TaskId } from "../words/index.ts";
import { BulkConnection } from "./bulk-connection.ts";
import { Outgoing } from "./outgoing.ts";

const MAX_PER_PEER = 2;
/** Idle connections kept, all peers together. */
const MAX_IDLE = 32;

export interface BulkClientOptions {
  readonly token: string;
  /** Transfers with one peer at the same time. */
  readonly maxPerPeer?: number;
}

interface Peer {
  busy: number;
  readonly idle: BulkConnection[];
  readonly waiting: (() => void)[];
}

export class BulkClient {
  readonly #options: BulkClientOptions;
  readonly #peers: Map<string, Peer> = new Map();
  /** All idle connections, the longest idle first. */
  readonly #idle: Set<BulkConnection> = new Set();
  readonly #busy: Set<BulkConnection> = new Set();
  #closed = false;

  constructor(options: BulkClientOptions) {
    this.#options = options;
  }

  /**
   * Gets a task's bytes into what `into` gives for their number; resolves with that part of it. Rejects with FLOCK_TRANSFER_FAILED, whose
   * cause is FLOCK_TASK_UNKNOWN when the peer is there and the result is not, and another when the peer cannot be reached or
   * broke off; with FLOCK_CANCELLED when `signal` fires; and with what `into` throws.
   */
  fetch(address: string, task: TaskId, into: (bytes: number) => Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    let refusedRoom: unknown = null;
    const room = (bytes: number): Uint8Array => {
      try {
        return into(bytes);
      } catch (error) {
        refusedRoom = error;
        throw error;
      }
    };
    const what = `The result of task ${task} could not be fetched from ${address}`;
    return this.#with(address, what, signal, (connection) => connection.fetch(task, room, signal)).catch((error) => {
      throw refusedRoom ?? error;
    });
  }

  /** Uploads a task's bytes, which its peer was told to expect. Rejects as `fetch` does. Nobody may change them before it ends. */
  put(address: string, task: TaskId, data: Outgoing | Uint8Array, signal?: AbortSignal): Promise<void> {
    const outgoing = data instanceof Outgoing ? data : new Outgoing(data);
    const what = `The data of task ${task} could not be sent to ${address}`;
    return this.#with(address, what, signal, (connection) => connection.put(task, outgoing, signal));
  }

  /** Ends all connections; transfers that run are rejected. */
  close(): void {
    this.#closed = true;
    for (const connection of [...this.#idle, ...this.#busy]) connection.close();
    for (const peer of this.#peers.values()) for (const wake of peer.waiting.splice(0)) wake();
    this.#peers.clear();
    this.#idle.clear();
  }

  async #with<T>(
    address: string,
    what: string,
    signal: AbortSignal | undefined,
    run: (connection: BulkConnection) => Promise<T>,
  ): Promise<T> {
    const peer = await this.#enter(address);
    try {
      for (;;) {
        if (this.#closed) throw new FlockError("FLOCK_CLOSED", "The client was closed.");
        const connection = await this.#connection(peer, address);
        const { used } = connection;
        this.#busy.add(connection);
        try {
          return await run(connection);
        } catch (error) {
          // A kept connection may have ended unseen: that says nothing about the peer. A new one does.
          if (!used || !isFlockError(error, "FLOCK_CONNECTION_LOST") || signal?.aborted) throw error;
        } finally {
          this.#keep(peer, connection);
        }
      }
    } catch (cause) {
      if (isFlockError(cause, "FLOCK_CANCELLED") || isFlockError(cause, "FLOCK_CLOSED")) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new FlockError("FLOCK_TRANSFER_FAILED", `${what}: ${why}`, { cause });
    } finally {
      this.#leave(address, peer);
    }
  }

  async #enter(address: string): Promise<Peer> {
    let peer = this.#peers.get(address);
    if (peer === undefined) {
      peer = { busy: 0, idle: [], waiting: [] };
      this.#peers.set(address, peer);
    }
    if (peer.busy < (this.#options.maxPerPeer ?? MAX_PER_PEER)) peer.busy++;
    else await new Promise<void>((wake) => peer.waiting.push(wake));
    return peer;
  }

  /** The place goes to the next that waits. */
  #leave(address: string, peer: Peer): void {
    const next = peer.waiting.shift();
    if (next !== undefined) {
      next();
      return;
    }
    peer.busy--;
    if (peer.busy === 0 && peer.idle.length === 0 && this.#peers.get(address) === peer) this.#peers.delete(address);
  }

  async #connection(peer: Peer, address: string): Promise<BulkConnection> {
    for (let idle = peer.idle.pop(); idle !== undefined; idle = peer.idle.pop()) {
      this.#idle.delete(idle);
      if (idle.open) return idle;
    }
    const connection = await BulkConnection.open(address, this.#options.token);
    if (this.#closed) connection.close();
    return connection;
  }

  #keep(peer: Peer, connection: BulkConnection): void {
    this.#busy.delete(connection);
    if (!connection.open || this.#closed) return;
    peer.idle.push(connection);
    this.#idle.add(connection);
    if (this.#idle.size <= MAX_IDLE) return;
    const [oldest] = this.#idle;
    this.#idle.delete(oldest!);
    oldest!.close();
    const other = this.#peers.get(oldest!.address);
    if (other === undefined) return;
    other.idle.splice(other.idle.indexOf(oldest!), 1);
    if (other.busy === 0 && other.idle.length === 0) this.#peers.delete(oldest!.address);
  }
}
