// Fetches and uploads results. A few connections per peer, kept for the next transfer; what exceeds them waits.

import { randomUUID } from "node:crypto";
import type { SchedulerPlace } from "../tls/trust.ts";
import { FlockError, type Holder, isFlockError, isRelayed, type TaskId, type Welcome } from "../words/index.ts";
import { BulkConnection, type Caller } from "./bulk-connection.ts";
import { PeerBusy, TransferFailed } from "./bulk-errors.ts";
import type { Channel, ChannelEvents, ChannelRequest } from "./channel.ts";
import { Outgoing } from "./outgoing.ts";
import { partsOf, Received, sumOf } from "./received.ts";

const MAX_PER_PEER = 2;
/** Idle connections kept, all peers together. */
const MAX_IDLE = 32;
/** A transfer that breaks goes on with the same peer; so often without a byte more, and so often in all. */
const MAX_FRUITLESS = 1;
const MAX_BREAKS = 16;
/** An upload that breaks begins anew: so often. */
const MAX_PUT_BREAKS = 1;
/** How long a peer that has no time is left alone, milliseconds. */
const BUSY_MS = 250;
const MAX_BUSY_MS = 5_000;

/** As the scheduler said it in its last welcome. */
export interface PeerAccess {
  /** What peers, and the scheduler for relays, want to be shown: `peerKey`. */
  key(): string;
  /** Whether peers speak TLS beyond their machine: `peersUseTls`. */
  tls(): boolean;
}

export function peerAccess(welcome: () => Welcome | undefined): PeerAccess {
  return { key: () => welcome()?.peerKey ?? "", tls: () => welcome()?.peersUseTls ?? false };
}

export interface BulkClientOptions extends Pick<PeerAccess, "key">, Partial<Pick<PeerAccess, "tls">> {
  /** For peers that are reached through it. */
  readonly scheduler?: SchedulerPlace;
  /** Transfers with one peer at the same time. Default 2. */
  readonly maxPerPeer?: number;
  /** A transfer in which nothing moves for so long is given up, milliseconds in which this process reads. Default 30 s. */
  readonly stallMs?: number;
}

/** An address; with the number of the worker that must answer there, if that is known. */
export type Where = string | Pick<Holder, "address" | "worker">;

/** Counted since the start. */
export interface TransferCounts {
  /** Transfers that broke and went on where they were. */
  resumed: number;
  /** Frames that came damaged; what they carried was asked for again. */
  corrupt: number;
}

interface Peer {
  busy: number;
  readonly idle: BulkConnection[];
  readonly waiting: (() => void)[];
}

export class BulkClient {
  readonly #maxPerPeer: number;
  readonly #caller: Caller;
  readonly #peers: Map<string, Peer> = new Map();
  /** All idle connections, the longest idle first. */
  readonly #idle: Set<BulkConnection> = new Set();
  readonly #busy: Set<BulkConnection> = new Set();
  readonly #channels: Set<BulkConnection> = new Set();
  readonly #closing: AbortController = new AbortController();
  readonly counts: TransferCounts = { resumed: 0, corrupt: 0 };

  constructor({ key, tls, scheduler, maxPerPeer, stallMs }: BulkClientOptions) {
    this.#maxPerPeer = maxPerPeer ?? MAX_PER_PEER;
    const ways = { key, tls: tls ?? (() => false), scheduler: scheduler ?? null };
    this.#caller = { ...ways, name: randomUUID(), closing: this.#closing.signal, stallMs };
  }

  /**
   * Gets a task's bytes into what `into` gives for their number; resolves with that part of it. `received` has what came before, from
   * whomever, and gets what comes now. Rejects with TransferFailed (FLOCK_TRANSFER_FAILED), whose cause is FLOCK_TASK_UNKNOWN when the
   * peer is there and the result is not, and another when the peer cannot be reached or broke off; with FLOCK_CANCELLED when `signal`
   * fires; and with what `into` throws.
   */
  async fetch(
    where: Where,
    task: TaskId,
    into: (bytes: number) => Uint8Array,
    signal?: AbortSignal,
    received: Received = new Received(),
  ): Promise<Uint8Array> {
    let refusedRoom: unknown = null;
    const room = (bytes: number): Uint8Array => {
      try {
        return into(bytes);
      } catch (error) {
        refusedRoom = error;
        throw error;
      }
    };
    const what = `The result of task ${task} could not be fetched from ${addressOf(where)}`;
    const transfer = async (connection: BulkConnection): Promise<Uint8Array> => {
      const sum = await sumOf(partsOf(received.bytes, (at, length) => received.target!.subarray(at, at + length)));
      return connection.fetch(task, received, sum, room, signal);
    };
    if (received.bytes > 0) this.counts.resumed++;
    let broke: unknown = null;
    for (let fruitless = 0, breaks = 0; ; breaks++) {
      const before = received.bytes;
      try {
        return await this.#with(where, what, signal, transfer);
      } catch (error) {
        if (refusedRoom !== null) throw refusedRoom;
        if (broke !== null && error instanceof TransferFailed && !error.reached) throw broke; // it was there a moment ago
        fruitless = received.bytes > before ? 0 : fruitless + 1;
        if (!this.#mayGoOn(error) || fruitless > MAX_FRUITLESS || breaks >= MAX_BREAKS) throw error;
        this.counts.resumed++;
        broke = error;
      }
    }
  }

  /** Uploads a task's bytes, which its peer was told to expect. Rejects as `fetch` does. Nobody may change them before it ends. */
  async put(where: Where, task: TaskId, data: Outgoing | Uint8Array, signal?: AbortSignal): Promise<void> {
    const outgoing = data instanceof Outgoing ? data : new Outgoing(data);
    const what = `The data of task ${task} could not be sent to ${addressOf(where)}`;
    let broke: unknown = null;
    for (let breaks = 0; ; breaks++) {
      try {
        return await this.#with(where, what, signal, (connection) => connection.put(task, outgoing, signal));
      } catch (error) {
        if (broke !== null && error instanceof TransferFailed) throw broke; // why it began anew says more
        if (!this.#mayGoOn(error) || breaks >= MAX_PUT_BREAKS) throw error;
        broke = error;
      }
    }
  }

  /**
   * Opens a channel to a member of a group, on a connection of its own. Rejects with FLOCK_TASK_UNKNOWN when the member is not there;
   * FLOCK_CONNECTION_REFUSED, FLOCK_CONNECTION_LOST, FLOCK_WAIT_TIMEOUT.
   */
  async openChannel(where: Where, request: ChannelRequest, accept: (channel: Channel) => ChannelEvents): Promise<void> {
    const connection = await BulkConnection.open(addressOf(where), this.#caller);
    for (const one of this.#channels) if (!one.open) this.#channels.delete(one);
    this.#channels.add(connection);
    try {
      if (!isPeer(connection, where)) {
        throw new FlockError("FLOCK_CONNECTION_REFUSED", `At ${connection.address} another worker answers.`);
      }
      await connection.openChannel(request, accept);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Ends all connections; transfers that run are rejected. */
  close(): void {
    this.#closing.abort();
    for (const connection of [...this.#idle, ...this.#busy, ...this.#channels]) connection.close();
    for (const peer of this.#peers.values()) for (const wake of peer.waiting.splice(0)) wake();
    this.#peers.clear();
    this.#idle.clear();
  }

  /** Whether the same peer is asked again: the connection broke, or what came was damaged. */
  #mayGoOn(error: unknown): boolean {
    if (!(error instanceof TransferFailed)) return false;
    const { cause } = error;
    const damaged = isFlockError(cause, "FLOCK_PROTOCOL");
    if (damaged && error.reached) this.counts.corrupt++;
    return error.reached && (damaged || isFlockError(cause, "FLOCK_CONNECTION_LOST"));
  }

  async #with<T>(
    where: Where,
    what: string,
    signal: AbortSignal | undefined,
    run: (connection: BulkConnection) => Promise<T>,
  ): Promise<T> {
    const address = addressOf(where);
    const peer = await this.#enter(address, signal);
    const state = { reached: false };
    try {
      for (let pauseMs = BUSY_MS; ; pauseMs = Math.min(MAX_BUSY_MS, pauseMs * 2)) {
        try {
          return await this.#once(peer, where, signal, run, state);
        } catch (error) {
          if (!(error instanceof PeerBusy)) throw error;
        }
        await this.#pause(pauseMs, signal);
      }
    } catch (cause) {
      if (signal?.aborted) throw cancelled();
      if (isFlockError(cause, "FLOCK_CANCELLED") || isFlockError(cause, "FLOCK_CLOSED")) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new TransferFailed(`${what}: ${why}`, cause, state.reached);
    } finally {
      this.#leave(address, peer);
    }
  }

  async #once<T>(
    peer: Peer,
    where: Where,
    signal: AbortSignal | undefined,
    run: (connection: BulkConnection) => Promise<T>,
    state: { reached: boolean },
  ): Promise<T> {
    for (;;) {
      if (this.#closing.signal.aborted) throw new FlockError("FLOCK_CLOSED", "The client was closed.");
      state.reached = false;
      const connection = await this.#connection(peer, where, signal);
      state.reached = true;
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
  }

  /** Waits for a place; rejects when it is not wanted any more. */
  async #enter(address: string, signal: AbortSignal | undefined): Promise<Peer> {
    if (signal?.aborted) throw cancelled();
    let peer = this.#peers.get(address);
    if (peer === undefined) {
      peer = { busy: 0, idle: [], waiting: [] };
      this.#peers.set(address, peer);
    }
    if (peer.busy < this.#maxPerPeer) peer.busy++;
    else await placeIn(peer, signal);
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

  /** Rejects when who answers is another worker: behind an address translation, addresses mean something else. */
  async #connection(peer: Peer, where: Where, signal: AbortSignal | undefined): Promise<BulkConnection> {
    const address = addressOf(where);
    for (let idle = peer.idle.pop(); idle !== undefined; idle = peer.idle.pop()) {
      this.#idle.delete(idle);
      if (idle.open && isPeer(idle, where)) return idle;
      idle.close();
    }
    const connection = await BulkConnection.open(address, this.#caller, signal);
    if (this.#closing.signal.aborted) connection.close();
    if (isPeer(connection, where)) return connection;
    connection.close();
    throw new FlockError("FLOCK_CONNECTION_REFUSED", `At ${address} another worker answers.`);
  }

  #keep(peer: Peer, connection: BulkConnection): void {
    this.#busy.delete(connection);
    if (!connection.open) return;
    // A relay is not kept: the scheduler has few.
    if (this.#closing.signal.aborted || isRelayed(connection.address)) {
      connection.close();
      return;
    }
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

  #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", end);
        this.#closing.signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal?.addEventListener("abort", end);
      this.#closing.signal.addEventListener("abort", end);
    });
  }
}

function placeIn({ waiting }: Peer, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const wake = (): void => {
      signal?.removeEventListener("abort", leave);
      resolve();
    };
    const leave = (): void => {
      waiting.splice(waiting.indexOf(wake), 1);
      reject(cancelled());
    };
    waiting.push(wake);
    signal?.addEventListener("abort", leave, { once: true });
  });
}

function addressOf(where: Where): string {
  return typeof where === "string" ? where : where.address;
}

function isPeer({ peer }: BulkConnection, where: Where): boolean {
  return typeof where === "string" || peer === 0 || peer === where.worker;
}

function cancelled(): FlockError {
  return new FlockError("FLOCK_CANCELLED", "The transfer is not wanted any more.");
}
