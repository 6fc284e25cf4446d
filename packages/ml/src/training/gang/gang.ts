// Tasks that run at the same time and work as one. Each waits, as soon as it has a slot, until its client tells it its place; when one
// is lost, the others wait again, and all that are there form anew. To the outside they are one task.
import { FlockError } from "@taskflock/protocol/words";
import { type GangEnd, type GangWord, isMemberReport, type MemberReport } from "./words.ts";

/** A task that was submitted. */
export interface GangTask<R> {
  result(): Promise<R>;
  release(): void;
  cancel(reason?: string): Promise<void>;
  tell(value: unknown): Promise<boolean>;
}

export interface GangOptions<R> {
  /** Members. */
  readonly size: number;
  /** Of them, so many are enough when no more have a slot. */
  readonly minimum: number;
  /** Milliseconds that are waited for all, before it is formed with fewer. */
  readonly patienceMs: number;
  /** Milliseconds after which it is given up that there are too few; null: never. */
  readonly noWorkerTimeoutMs: number | null;
  /** Also once more for a member whose task has ended with an error that `mayReplace`. */
  submit(member: number, onReport: (report: unknown) => void): GangTask<GangEnd<R>>;
  mayReplace(error: unknown): boolean;
  /** Hears what the leading member reports. */
  readonly onReport: (report: unknown) => void;
  /** Hears how many they are, each time that they have formed; `formation` is 1 for the first. */
  readonly onFormed?: (size: number, formation: number) => void;
}

/** How many members are replaced. */
const REPLACEMENTS = 10;

interface Member<R> {
  task: GangTask<GangEnd<R>>;
  attempt: number;
  waits: boolean;
  /** Its task has ended, as one that followed does. */
  ended: boolean;
}

export class Gang<R> implements GangTask<R> {
  readonly #options: GangOptions<R>;
  readonly #members: readonly Member<R>[];
  #formation = 0;
  /** Members of the formation that is under way, by rank; empty: there is none. */
  #formed: readonly Member<R>[] = [];
  #patience: NodeJS.Timeout | undefined;
  #limit: NodeJS.Timeout | undefined;
  /** They were waited for long enough. */
  #mayBeFewer = false;
  #settled = false;
  #replaced = 0;
  readonly #ended: Promise<R>;
  #resolve!: (value: R) => void;
  #reject!: (error: unknown) => void;

  constructor(options: GangOptions<R>) {
    this.#options = options;
    this.#ended = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#ended.catch(() => {}); // whoever waits for it is told
    this.#members = Array.from({ length: options.size }, (_, i) => ({
      task: this.#submit(i),
      attempt: 0,
      waits: false,
      ended: false,
    }));
    this.#await();
  }

  result(): Promise<R> {
    return this.#ended;
  }

  release(): void {
    for (const { task } of this.#members) task.release();
  }

  async cancel(reason?: string): Promise<void> {
    await Promise.all(this.#members.map(({ task }) => task.cancel(reason)));
  }

  /** To the leading member. */
  async tell(value: unknown): Promise<boolean> {
    return (await this.#formed[0]?.task.tell(value)) ?? false;
  }

  /** How many members the formation has that is under way. */
  get formed(): number {
    return this.#formed.length;
  }

  #submit(index: number): GangTask<GangEnd<R>> {
    const task = this.#options.submit(index, (report) => {
      if (this.#members[index]?.task === task) this.#onReport(index, report);
    });
    task.result().then(
      (end) => this.#onEnd(index, end),
      (error: unknown) => this.#onError(index, error),
    );
    return task;
  }

  /** A member whose process was killed is no reason to end: the others wait for another one. */
  #onError(index: number, error: unknown): void {
    if (this.#settled) return;
    if (!this.#options.mayReplace(error) || this.#replaced >= REPLACEMENTS) {
      this.#settle(() => this.#reject(error));
      return;
    }
    this.#replaced++;
    this.#begin(index);
  }

  /** Another task for the member. */
  #begin(index: number): void {
    const member = this.#members[index]!;
    member.task.release();
    Object.assign(member, { task: this.#submit(index), attempt: 0, waits: false, ended: false });
  }

  #onReport(index: number, report: unknown): void {
    const member = this.#members[index]!;
    if (isMemberReport(report)) this.#onWaits(member, report);
    else if (member === this.#formed[0]) this.#options.onReport(report);
  }

  #onWaits(member: Member<R>, { attempt, after }: MemberReport): void {
    const inFormation = this.#formed.includes(member);
    // One that was said before the member was told its place, and came after.
    if (attempt < member.attempt || (inFormation && attempt === member.attempt && after < this.#formation)) return;
    member.attempt = attempt;
    member.waits = true;
    if (inFormation) {
      this.#formed = [];
      this.#await();
      // The leader was lost after it had let them go.
      for (const [index, { ended }] of this.#members.entries()) if (ended) this.#begin(index);
    }
    this.#form();
  }

  /** Members are waited for. */
  #await(): void {
    const { minimum, noWorkerTimeoutMs, patienceMs, size } = this.#options;
    this.#stopWaiting();
    if (this.#settled) return;
    this.#mayBeFewer = false;
    if (minimum < size) {
      this.#patience = setTimeout(() => {
        this.#mayBeFewer = true;
        this.#form();
      }, patienceMs);
    }
    if (noWorkerTimeoutMs !== null) this.#limit = setTimeout(() => this.#giveUp(noWorkerTimeoutMs), noWorkerTimeoutMs);
  }

  #stopWaiting(): void {
    clearTimeout(this.#patience);
    clearTimeout(this.#limit);
  }

  #form(): void {
    if (this.#formed.length > 0 || this.#settled) return;
    const ready = this.#members.filter(({ waits }) => waits);
    const { minimum, size } = this.#options;
    if (ready.length < (this.#mayBeFewer ? minimum : size)) return;
    this.#stopWaiting();
    this.#formation++;
    this.#formed = ready;
    this.#options.onFormed?.(ready.length, this.#formation);
    ready.forEach((member, rank) => {
      member.waits = false;
      const word: GangWord = { gang: "form", formation: this.#formation, rank, size: ready.length };
      // One that cannot hear it any more is missed by the others, who then wait again.
      member.task.tell(word).catch((error: unknown) => this.#settle(() => this.#reject(error)));
    });
  }

  #giveUp(afterMs: number): void {
    const { minimum, size } = this.#options;
    const ready = this.#members.filter(({ waits }) => waits).length;
    const wanted = minimum < size ? `${size} (at least ${minimum})` : `${size}`;
    const text = `Of the ${wanted} tasks that have to run at the same time, ${ready} had a slot after ${afterMs} ms.`;
    const advice = "Start more workers, ask for fewer, or wait longer (noWorkerTimeoutMs).";
    this.#settle(() => this.#reject(new FlockError("FLOCK_NO_WORKER_TIMEOUT", `${text} ${advice}`)));
  }

  #onEnd(index: number, end: GangEnd<R>): void {
    if (end !== null) this.#settle(() => this.#resolve(end.value));
    if (this.#settled) return;
    const member = this.#members[index]!;
    member.ended = true;
    // The formation that it was let go by is no more.
    if (!this.#formed.includes(member)) this.#begin(index);
  }

  /** Those that still wait for a place, or for a slot, are not needed any more; after an error nobody is. */
  #settle(say: () => void): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#stopWaiting();
    say();
    for (const { task } of this.#members) task.cancel("The others of its gang have ended.").catch(() => {});
  }
}
