import { FlockError, isFlockError, MAX_GROUP_MESSAGE_BYTES } from "@taskflock/protocol/words";
import { describe } from "../option-checks.ts";
import { barrier, broadcast, type Peers, type Reduction, ringAllReduce } from "./collectives.ts";
import { LEFT, type Member } from "./member.ts";

/**
 * What a member has of its group: messages to and from each other member, and what all do together. Everything rejects with
 * FLOCK_GROUP_BROKEN, and names the member at fault, as soon as a member's task has failed or was cancelled, or its worker is gone; with
 * FLOCK_CANCELLED when its own task was; with FLOCK_CLOSED after `close()`.
 */
export class TaskGroup {
  readonly name: string;
  /** Of groups with this name, which one. */
  readonly epoch: number;
  /** This member, from 0. */
  readonly rank: number;
  /** Members. */
  readonly size: number;
  readonly #member: Member;
  /** What all do together is done one after the other. */
  #together: Promise<unknown> = Promise.resolve();

  /** Groups come from `joinGroup`. */
  constructor(member: Member) {
    const { name, epoch, rank, size } = member.place;
    this.name = name;
    this.epoch = epoch;
    this.rank = rank;
    this.size = size;
    this.#member = member;
  }

  /** Bytes of messages that this member has sent and received so far. */
  get traffic(): { readonly sentBytes: number; readonly receivedBytes: number } {
    return this.#member.traffic;
  }

  /**
   * Sends bytes, up to 4 GiB, to another member. Resolves when all are on their way: at once, unless that member has more than 4 MiB yet to
   * receive. Nobody may change them before.
   */
  async send(rank: number, bytes: Uint8Array): Promise<void> {
    if (!(bytes instanceof Uint8Array)) throw wrong("send", "a Uint8Array", bytes);
    if (bytes.length > MAX_GROUP_MESSAGE_BYTES) {
      throw new FlockError(
        "FLOCK_TOO_LARGE",
        `A message of ${bytes.length} bytes: a group takes up to 4 GiB at once. Send parts.`,
      );
    }
    await this.#member.lane(rank, 0).send(bytes);
  }

  /**
   * The next message of another member: messages come whole, and in the order in which they were sent. What a member sent before it closed the
   * group can still be received; after that this rejects.
   */
  async receive(rank: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#member.lane(rank, 0).receive();
  }

  /**
   * The sum or mean of all members' arrays, element by element; all members get the same bits. All call it, with arrays of the same length.
   * Sums are made in single precision, in an order that depends only on the number of members. Each member sends 2 (N − 1) / N of its array.
   */
  allReduce(values: Float32Array, how: Reduction = "sum"): Promise<Float32Array<ArrayBuffer>> {
    return this.#all(async (peers) => {
      if (!(values instanceof Float32Array)) throw wrong("allReduce", "a Float32Array", values);
      if (how !== "sum" && how !== "mean") throw wrong("allReduce", '"sum" or "mean"', how);
      return ringAllReduce(peers, values, how);
    });
  }

  /** Resolves when all members have called it. */
  barrier(): Promise<void> {
    return this.#all(barrier);
  }

  /** Gives all members the bytes of member `from`. All call it; what others than `from` give is not looked at. */
  broadcast(bytes: Uint8Array | null, from: number = 0): Promise<Uint8Array> {
    return this.#all(async (peers) => {
      if (!Number.isInteger(from) || from < 0 || from >= this.size)
        throw wrong("broadcast", "the rank of a member", from);
      if (from === this.rank && !(bytes instanceof Uint8Array)) throw wrong("broadcast", "a Uint8Array", bytes);
      return broadcast(peers, bytes, from);
    });
  }

  /**
   * Leaves the group: what was sent still arrives, and those who wait for this member are told that it has left. A task that ends without it breaks
   * the group.
   */
  async close(): Promise<void> {
    this.#member.leave();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Members in the middle of something cannot go on with other things: when it fails for one, the group is broken for all. */
  #all<T>(act: (peers: Peers) => Promise<T>): Promise<T> {
    const { rank, size } = this;
    const member = this.#member;
    const done = this.#together.then(async () => {
      if (member.failure !== null) throw member.failure;
      try {
        return await act({
          rank,
          size,
          send: (to, bytes) => member.lane(to, 1).send(bytes),
          receive: (from) => member.lane(from, 1).receive(),
        });
      } catch (error) {
        this.#spread(error);
        throw error;
      }
    });
    this.#together = done.catch(() => {});
    return done;
  }

  #spread(error: unknown): void {
    const member = this.#member;
    const { leaver } = member;
    if (leaver !== null && isFlockError(error, "FLOCK_GROUP_BROKEN")) member.break({ rank: leaver, why: LEFT }, error);
    else member.break({ rank: this.rank, why: `failed: ${error instanceof Error ? error.message : String(error)}` });
  }
}

function wrong(what: string, takes: string, given: unknown): FlockError {
  return new FlockError("FLOCK_ARGUMENT_INVALID", `${what} takes ${takes}, not ${describe(given)}.`);
}
