// Members of groups of tasks that run in this worker's slots. Their bytes pass through here, from slots to peers and back, and stay out of
// the store and of the link to the scheduler.
import {
  type Broken,
  type BulkClient,
  CHANNEL_PART_BYTES,
  CHANNEL_WINDOW_BYTES,
  type Channel,
  type ChannelEvents,
  type ChannelRequest,
  type FromMember,
  type GroupLane,
  isFlockError,
  LEAST_PART_BYTES,
  type MemberCard,
  type ToMember,
  type WorkerId,
} from "@taskflock/protocol";

/** Says something to the code of a member; memory in `transfer` is given away with it. */
export type Tell = (say: ToMember, transfer: ArrayBuffer[]) => void;

/** How a member reaches another one: a channel to a peer, or a short way within this worker. */
type MemberLink = Pick<Channel, "send" | "credit" | "leave">;

interface Member {
  readonly id: string;
  readonly rank: number;
  readonly size: number;
  readonly tell: Tell;
  readonly links: Map<number, MemberLink>;
}

export interface GroupsOptions {
  /** Where peers reach this worker; "" when they do not. */
  address(): string;
  /** Its number. */
  worker(): WorkerId;
}

export class Groups {
  readonly #client: BulkClient;
  readonly #options: GroupsOptions;
  readonly #members: Map<string, Member> = new Map();

  constructor(client: BulkClient, options: GroupsOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** For one life of a slot. */
  seat(tell: Tell): Seat {
    return new Seat(this, tell);
  }

  enter(id: string, rank: number, size: number, tell: Tell): void {
    this.#members.set(id, { id, rank, size, tell, links: new Map() });
    const card: MemberCard = { member: id, address: this.#options.address(), worker: this.#options.worker() };
    const terms = {
      partBytes: CHANNEL_PART_BYTES,
      windowBytes: CHANNEL_WINDOW_BYTES,
      leastPartBytes: LEAST_PART_BYTES,
    };
    tell({ k: "entered", member: id, card, terms }, []);
  }

  hear(say: Exclude<FromMember, { k: "enter" }>): void {
    const member = this.#members.get(say.member);
    if (member === undefined) return;
    if (say.k === "dial") void this.#dial(member, say.rank, say.to);
    else if (say.k === "part") member.links.get(say.rank)?.send(say.lane, say.length, say.bytes);
    else if (say.k === "credit") member.links.get(say.rank)?.credit(say.lane, say.bytes);
    else this.leave(member.id, say.broken);
  }

  /** The member is over; `broken`: and the group with it. */
  leave(id: string, broken: Broken | null): void {
    const member = this.#members.get(id);
    this.#members.delete(id);
    for (const link of member?.links.values() ?? []) link.leave(broken);
  }

  /** The slot ended around the member. */
  lose(id: string, why: string): void {
    const member = this.#members.get(id);
    if (member !== undefined) this.leave(id, { rank: member.rank, why });
  }

  /** For the peer port: a member elsewhere wants a channel to one that is here. */
  accept(request: ChannelRequest): ((channel: Channel) => ChannelEvents) | string {
    const member = this.#invited(request);
    return typeof member === "string" ? member : (channel) => link(member, request.from, channel);
  }

  #invited({ from, member: id, size }: ChannelRequest): Member | string {
    const member = this.#members.get(id);
    if (member === undefined) return "The member is not here.";
    if (size !== member.size) return `Its group has ${member.size} members, not ${size}.`;
    if (from >= size || from === member.rank) return `It is no place of a member beside it: ${from}.`;
    if (member.links.has(from)) return `A member of rank ${from} has come before.`;
    return member;
  }

  async #dial(member: Member, rank: number, to: MemberCard): Promise<void> {
    const unlinked = (reached: boolean, why: string): void =>
      member.tell({ k: "unlinked", member: member.id, rank, reached, why }, []);
    const request = { from: member.rank, member: to.member, size: member.size };
    if (to.worker === this.#options.worker()) {
      const other = this.#invited(request);
      if (typeof other === "string") unlinked(true, other);
      else linkWithin(member, other);
      return;
    }
    if (to.address === "") {
      unlinked(false, "Its worker takes no connections (--relay always), and groups are not relayed.");
      return;
    }
    try {
      await this.#client.openChannel(to, request, (channel) => {
        if (this.#members.has(member.id)) return link(member, rank, channel);
        channel.leave(null);
        return link({ ...member, tell: () => {}, links: new Map() }, rank, channel);
      });
    } catch (error) {
      unlinked(isFlockError(error, "FLOCK_TASK_UNKNOWN"), error instanceof Error ? error.message : String(error));
    }
  }
}

/** Members that live in one thread or process. */
export class Seat {
  readonly #groups: Groups;
  readonly #tell: Tell;
  readonly #ids: Set<string> = new Set();

  constructor(groups: Groups, tell: Tell) {
    this.#groups = groups;
    this.#tell = tell;
  }

  hear(say: FromMember): void {
    if (say.k === "enter") {
      this.#ids.add(say.member);
      this.#groups.enter(say.member, say.rank, say.size, this.#tell);
      return;
    }
    if (say.k === "leave") this.#ids.delete(say.member);
    this.#groups.hear(say);
  }

  /** The thread or process is no more. */
  end(why: string): void {
    for (const id of this.#ids) this.#groups.lose(id, why);
    this.#ids.clear();
  }
}

/** From now on the member reaches `rank` by `channel`. Returns what is done with what comes from there. */
function link(member: Member, rank: number, channel: Channel): ChannelEvents {
  member.links.set(rank, channel);
  member.tell({ k: "linked", member: member.id, rank }, []);
  return {
    part: (lane, length, bytes) => tellPart(member, rank, lane, length, bytes),
    credit: (lane, bytes) => member.tell({ k: "credit", member: member.id, rank, lane, bytes }, []),
    left: (broken) => unlink(member, rank, broken),
    lost: (why) => unlink(member, rank, { rank, why: `was lost: ${why}` }),
  };
}

function unlink(member: Member, rank: number, broken: Broken | null): void {
  member.links.delete(rank);
  member.tell({ k: "left", member: member.id, rank, broken }, []);
}

function linkWithin(one: Member, other: Member): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.links.set(to.rank, {
      send: (lane, length, part) => tellPart(to, from.rank, lane, length, part),
      credit: (lane, bytes) => to.tell({ k: "credit", member: to.id, rank: from.rank, lane, bytes }, []),
      leave: (broken) => unlink(to, from.rank, broken),
    });
  }
  one.tell({ k: "linked", member: one.id, rank: other.rank }, []);
  other.tell({ k: "linked", member: other.id, rank: one.rank }, []);
}

function tellPart(member: Member, rank: number, lane: GroupLane, length: number, part: Uint8Array): void {
  // What came from a process may be a piece of larger memory, which would travel along.
  const alone = part.byteLength === part.buffer.byteLength && part.buffer instanceof ArrayBuffer;
  const bytes = alone ? (part as Uint8Array<ArrayBuffer>) : new Uint8Array(part);
  member.tell({ k: "part", member: member.id, rank, lane, length, bytes }, [bytes.buffer]);
}
