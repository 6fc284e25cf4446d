// How the members of a group find each other: each leaves its address in a variable that all clients share (coordination.md), reads those
// of the lower ranks, and connects to them.

import { FlockError, isFlockError, type MemberCard } from "@taskflock/protocol/words";
import type { Client } from "../client.ts";
import { type Checks, checkOptions, integerFrom, milliseconds } from "../option-checks.ts";
import type { SharedVariable } from "../shared-objects/variable.ts";
import { Member, type Place } from "./member.ts";
import { TaskGroup } from "./task-group.ts";

const JOIN_MS = 60_000;
const MAX_MEMBERS = 1_000;
const MAX_NAME = 200;
/** Before a member that could not be reached is tried again, milliseconds. */
const PAUSE_MS = 100;
/** How often a worker at which nobody answers is tried. */
const MAX_UNREACHED = 3;

export interface JoinGroupOptions {
  /** The same for all members, and for no other group that there is at the time. */
  readonly name: string;
  /** Which member this one is, from 0; no two have the same. */
  readonly rank: number;
  /** How many members there are, up to 1,000. */
  readonly size: number;
  /**
   * Which of several groups with the name, one after the other; default 0. Members of one never meet those of another: give a group that is formed
   * anew the next number, and what is left of the old one cannot disturb.
   */
  readonly epoch?: number;
  /** Milliseconds that it may take until all members have come; default 60,000. */
  readonly timeoutMs?: number;
}

const checks: Checks<JoinGroupOptions> = {
  name: (value) =>
    typeof value === "string" && value !== "" && value.length <= MAX_NAME
      ? null
      : `a string of 1 to ${MAX_NAME} characters`,
  rank: integerFrom(0),
  size: integerFrom(1, MAX_MEMBERS),
  epoch: integerFrom(0),
  timeoutMs: milliseconds,
};

/** See the docstring of its public twin (join-group.ts). */
export async function join(options: JoinGroupOptions, taskClient: () => Promise<Client>): Promise<TaskGroup> {
  const { name, rank, size, epoch = 0, timeoutMs = JOIN_MS } = complete(options);
  const member = new Member({ name, rank, size, epoch });
  try {
    const own = await member.enter();
    if (size > 1) await new Meeting(member, await taskClient(), own, performance.now() + timeoutMs).meet(timeoutMs);
  } catch (error) {
    member.break({ rank, why: "did not join it" });
    throw error;
  }
  return new TaskGroup(member);
}

function complete(options: JoinGroupOptions): JoinGroupOptions {
  const checked = checkOptions("joinGroup", options, checks);
  for (const needed of ["name", "rank", "size"] as const) {
    if (checked[needed] === undefined) throw new FlockError("FLOCK_OPTION_INVALID", `joinGroup: ${needed} is missing.`);
  }
  if (checked.rank < checked.size) return checked;
  const text = `joinGroup: rank takes a number from 0 to ${checked.size - 1}, for size is ${checked.size}; not ${checked.rank}.`;
  throw new FlockError("FLOCK_OPTION_INVALID", text);
}

class Meeting {
  readonly #member: Member;
  readonly #place: Place;
  readonly #client: Client;
  readonly #own: MemberCard;
  readonly #deadline: number;

  constructor(member: Member, client: Client, own: MemberCard, deadline: number) {
    this.#member = member;
    this.#place = member.place;
    this.#client = client;
    this.#own = own;
    this.#deadline = deadline;
  }

  async meet(timeoutMs: number): Promise<void> {
    const { name, rank, size, epoch } = this.#place;
    const lower = Array.from({ length: rank }, (_, other) => this.#find(other));
    try {
      await this.#show();
      await Promise.all([...lower, this.#awaitAll()]);
    } catch (error) {
      if (!isFlockError(error, "FLOCK_WAIT_TIMEOUT")) throw error;
      const who = this.#member.missing.join(", ");
      const text = `Of the ${size} members of the group "${name}" (epoch ${epoch}), these did not come within ${timeoutMs} ms: ${who}.`;
      throw new FlockError("FLOCK_WAIT_TIMEOUT", text, { cause: error });
    } finally {
      for (const one of lower) one.catch(() => {}); // the first to fail was told
      await this.#hide();
    }
  }

  /** Nobody looks for the last one. */
  async #show(): Promise<void> {
    const { rank, size } = this.#place;
    if (rank < size - 1) await this.#card(rank).set(this.#own);
  }

  /** All have come, or it does not matter any more. */
  async #hide(): Promise<void> {
    const { rank, size } = this.#place;
    if (rank === size - 1) return;
    // Without a scheduler it stays: a card whose member is gone does no harm.
    await this.#card(rank)
      .delete()
      .catch(() => {});
  }

  /** Connects to the member of a lower rank, once it can be found. */
  async #find(rank: number): Promise<void> {
    for (let unreached = 0; ; ) {
      const answer = await this.#dial(rank);
      if (answer === null) return;
      if (!answer.reached) unreached++;
      if (unreached >= MAX_UNREACHED) throw this.#unreachable(rank, answer.why);
      await pause(PAUSE_MS);
      this.#check();
    }
  }

  /** Null when there is a connection, else why not: what the member left may be of one before it. */
  async #dial(rank: number): Promise<{ readonly reached: boolean; readonly why: string } | null> {
    try {
      const card = await this.#card(rank).get({ timeoutMs: Math.max(0, this.#deadline - performance.now()) });
      return await this.#member.dial(rank, card);
    } catch (error) {
      if (isFlockError(error, "FLOCK_SHARED_DELETED")) return { reached: true, why: "It had just gone." };
      throw error;
    }
  }

  #unreachable(rank: number, why: string): FlockError {
    const { name, rank: own } = this.#place;
    const text = `Member ${own} of the group "${name}" cannot connect to the worker of member ${rank}: ${why}`;
    const advice =
      "Workers of a group must reach each other's peer ports: see --host and --advertise (docs/networks.md).";
    return new FlockError("FLOCK_GROUP_UNREACHABLE", `${text} ${advice}`);
  }

  async #awaitAll(): Promise<void> {
    while (this.#member.missing.length > 0) {
      const left = this.#deadline - performance.now();
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([
        this.#member.change(),
        new Promise((resolve) => {
          timer = setTimeout(resolve, Math.max(0, left));
        }),
      ]);
      clearTimeout(timer);
      this.#check();
    }
  }

  #check(): void {
    if (this.#member.failure !== null) throw this.#member.failure;
    if (this.#member.leaver !== null) throw this.#member.brokenBy({ rank: this.#member.leaver, why: "has left it" });
    if (performance.now() < this.#deadline || this.#member.missing.length === 0) return;
    throw new FlockError("FLOCK_WAIT_TIMEOUT", "The time is over.");
  }

  #card(rank: number): SharedVariable<MemberCard> {
    const { name, epoch } = this.#place;
    return this.#client.variable<MemberCard>(`taskflock.group ${name} ${epoch} ${rank}`);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
