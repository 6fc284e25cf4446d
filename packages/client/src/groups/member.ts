// A member of a group, in its task: what it has with each of the others, and how all of it ends when one of them is gone.

import { randomUUID } from "node:crypto";
import {
  type Broken,
  FlockError,
  type FromMember,
  type GroupLane,
  type GroupTerms,
  type MemberCard,
  type ToMember,
} from "@taskflock/protocol/words";
import { taskHere } from "../task-here.ts";
import { Lane } from "./lane.ts";
import { openMember } from "./member-port.ts";

/** Which group, and which of its members. */
export interface Place {
  readonly name: string;
  readonly epoch: number;
  readonly rank: number;
  readonly size: number;
}

/** `FromMember` without the id: all but that differs by kind. */
type Say<M = FromMember> = M extends FromMember ? Omit<M, "member"> : never;

export class Member {
  readonly place: Place;
  readonly #id: string = randomUUID();
  readonly #say: (say: FromMember) => void;
  readonly #linked: Set<number> = new Set();
  /** By rank. */
  readonly #lanes: Map<number, readonly [Lane, Lane]> = new Map();
  #terms: GroupTerms = { partBytes: 0, windowBytes: 0, leastPartBytes: 0 };
  #failure: FlockError | null = null;
  #entered: (card: MemberCard | null) => void = () => {};
  readonly #dials: Map<number, (answer: Extract<ToMember, { k: "linked" | "unlinked" }>) => void> = new Map();
  #changed: () => void = () => {};
  /** The first member that has left in order, by rank. */
  leaver: number | null = null;
  readonly #takeBack: (() => void)[] = [];

  /** Throws FLOCK_NOT_IN_TASK. */
  constructor(place: Place) {
    this.place = place;
    this.#say = openMember(this.#id, (say) => this.#hear(say));
  }

  /** What others find it by. Rejects with what the task was ended by. */
  async enter(): Promise<MemberCard> {
    const { rank, size } = this.place;
    this.#watchTask();
    if (this.#failure !== null) throw this.#failure;
    const card = await new Promise<MemberCard | null>((resolve) => {
      this.#entered = resolve;
      this.#tell({ k: "enter", rank, size });
    });
    if (card === null) throw this.#failure;
    return card;
  }

  /** Resolves with null once there is a link, or with why there is none. */
  async dial(rank: number, to: MemberCard): Promise<{ readonly reached: boolean; readonly why: string } | null> {
    const answer = await new Promise<Extract<ToMember, { k: "linked" | "unlinked" }>>((resolve) => {
      this.#dials.set(rank, resolve);
      this.#tell({ k: "dial", rank, to });
    });
    this.#dials.delete(rank);
    return answer.k === "linked" ? null : answer;
  }

  /** Ranks with which there is no link. */
  get missing(): number[] {
    const { rank, size } = this.place;
    return Array.from({ length: size }, (_, other) => other).filter(
      (other) => other !== rank && !this.#linked.has(other),
    );
  }

  get failure(): FlockError | null {
    return this.#failure;
  }

  /** Resolves when something has changed: a link more, or the end. */
  change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve;
    });
  }

  /** To and from the member of that rank. Throws what ended the group; FLOCK_ARGUMENT_INVALID. */
  lane(rank: number, lane: GroupLane): Lane {
    const lanes = this.#lanes.get(rank);
    if (lanes !== undefined) return lanes[lane];
    if (this.#failure !== null) throw this.#failure;
    const { name, size, rank: own } = this.place;
    const others = `the other members of group "${name}" are 0 … ${size - 1} without ${own}, its own`;
    throw new FlockError("FLOCK_ARGUMENT_INVALID", `There is no member ${String(rank)} to talk to: ${others}.`);
  }

  get traffic(): { readonly sentBytes: number; readonly receivedBytes: number } {
    const lanes = [...this.#lanes.values()].flat();
    const sum = (of: (lane: Lane) => number): number => lanes.reduce((total, lane) => total + of(lane), 0);
    return { sentBytes: sum((lane) => lane.sentBytes), receivedBytes: sum((lane) => lane.receivedBytes) };
  }

  /** Ends it for all members, by the fault of `broken.rank`. */
  break(broken: Broken, error: FlockError = this.brokenBy(broken)): void {
    this.#end(error, broken);
  }

  /** Ends it for this member alone. */
  leave(): void {
    const { name } = this.place;
    this.#end(new FlockError("FLOCK_CLOSED", `The group "${name}" was closed here.`), null);
  }

  brokenBy({ rank, why }: Broken): FlockError {
    const { name, epoch, rank: own } = this.place;
    const who = rank === own ? "this member" : `member ${rank}`;
    return new FlockError("FLOCK_GROUP_BROKEN", `The group "${name}" (epoch ${epoch}) is broken: ${who} ${why}.`);
  }

  #end(error: FlockError, broken: Broken | null): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    for (const takeBack of this.#takeBack.splice(0)) takeBack();
    for (const lanes of this.#lanes.values()) for (const lane of lanes) lane.end(error, true);
    this.#tell({ k: "leave", broken });
    this.#entered(null);
    this.#changed();
  }

  /** The group does not outlive the task of a member. */
  #watchTask(): void {
    const task = taskHere();
    if (task === undefined) return;
    const { rank } = this.place;
    const stop = (): void => {
      const reason: unknown = task.signal.reason;
      const isLate = reason instanceof Error && "code" in reason && reason.code === "FLOCK_TIMEOUT";
      const why = isLate ? "ran into its time limit" : "was cancelled";
      const error = reason instanceof Error ? (reason as FlockError) : this.brokenBy({ rank, why });
      this.break({ rank, why }, error);
    };
    task.signal.addEventListener("abort", stop);
    this.#takeBack.push(() => task.signal.removeEventListener("abort", stop));
    const forget = task.atTaskEnd?.(() => this.break({ rank, why: "ended without leaving the group (close it)" }));
    if (forget !== undefined) this.#takeBack.push(forget);
    if (task.signal.aborted) stop();
  }

  #tell(say: Say): void {
    this.#say({ ...say, member: this.#id } as FromMember);
  }

  #hear(say: ToMember): void {
    switch (say.k) {
      case "entered":
        this.#terms = say.terms;
        this.#entered(say.card);
        break;
      case "linked":
        this.#link(say.rank);
        this.#dials.get(say.rank)?.(say);
        break;
      case "unlinked":
        this.#dials.get(say.rank)?.(say);
        break;
      case "part":
        this.#lanes.get(say.rank)?.[say.lane].onPart(say.length, say.bytes);
        break;
      case "credit":
        this.#lanes.get(say.rank)?.[say.lane].onCredit(say.bytes);
        break;
      case "left":
        this.#left(say.rank, say.broken);
        break;
    }
  }

  #link(rank: number): void {
    const lane = (number: GroupLane): Lane =>
      new Lane(this.#terms, {
        part: (length, bytes) => this.#tell({ k: "part", rank, lane: number, length, bytes }),
        credit: (bytes) => this.#tell({ k: "credit", rank, lane: number, bytes }),
      });
    this.#lanes.set(rank, [lane(0), lane(1)]);
    this.#linked.add(rank);
    this.#changed();
  }

  /** One that left in order may have sent something before; a broken group is over at once. */
  #left(rank: number, broken: Broken | null): void {
    if (broken !== null) {
      this.break(broken);
      return;
    }
    this.leaver ??= rank;
    const error = this.brokenBy({ rank, why: LEFT });
    for (const lane of this.#lanes.get(rank) ?? []) lane.end(error, false);
    this.#changed();
  }
}

/** What became of a member that closed the group. */
export const LEFT = "has left it";
