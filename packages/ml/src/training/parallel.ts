// Data parallel training: members of a group have the same model and the same data, and each computes the gradients of its shard of every
// batch. Synchronous steps: all apply the same averaged gradients. The first member leads: callbacks, validation, checkpoints and what the
// epoch's figures say are its own; the others do what it tells them.
import { FlockError } from "@taskflock/protocol/words";
import type { MemberGroup } from "./member-group.ts";
import type { Trainer } from "./trainer.ts";
import type { Epoch } from "./types.ts";

/** What the first member tells the others; all do it together. */
type Command =
  | { readonly do: "step"; readonly epoch: number; readonly batch: number; readonly learningRate: number }
  /** Take over the checkpoint that follows. */
  | { readonly do: "take" }
  /** Hand over what your rows have added to the epoch's figures. */
  | { readonly do: "give" }
  | { readonly do: "end" };

/** Rows of a batch that are a member's: as many as the others have, or one less. */
export function shardOf(rows: Int32Array, rank: number, size: number): Int32Array {
  const bound = (index: number): number => Math.floor((index * rows.length) / size);
  return rows.subarray(bound(rank), bound(rank + 1));
}

/** The first member's training: as a `Trainer` is used, with all members behind it. */
export class LeadingTrainer {
  readonly trainer: Trainer;
  readonly #group: MemberGroup;
  /** As of when all members had the same weights. */
  #weightsSet = 0;
  #isLeft = false;

  /** `trainer` is as it is to begin: new, or restored. The others `follow`. */
  static async lead(trainer: Trainer, group: MemberGroup): Promise<LeadingTrainer> {
    const leading = new LeadingTrainer(trainer, group);
    await leading.#handOver();
    return leading;
  }

  private constructor(trainer: Trainer, group: MemberGroup) {
    this.trainer = trainer;
    this.#group = group;
  }

  get epoch(): number {
    return this.trainer.epoch;
  }

  get batch(): number {
    return this.trainer.batch;
  }

  get steps(): number {
    return this.trainer.steps;
  }

  get history(): readonly Epoch[] {
    return this.trainer.history;
  }

  get done(): boolean {
    return this.trainer.done;
  }

  /** A member's worker is to stop: after a checkpoint the members part. */
  get isLeft(): boolean {
    return this.#isLeft;
  }

  /** As of `Trainer`. Rejects with FLOCK_GROUP_BROKEN when a member is gone. */
  async step(): Promise<boolean> {
    const { trainer } = this;
    const rows = trainer.nextBatch();
    if (rows === null) return false;
    await trainer.beginEpoch();
    if (trainer.weightsSet !== this.#weightsSet) await this.#spread();
    const { epoch, batch, learningRate } = trainer;
    await this.#command({ do: "step", epoch, batch, learningRate });
    this.#isLeft = await stepTogether(trainer, this.#group, rows, false);
    return true;
  }

  async endEpoch(): Promise<Epoch> {
    await this.#gather();
    const epoch = await this.trainer.endEpoch();
    if (!this.trainer.done) await this.#handOver();
    return epoch;
  }

  /** Has what all members' rows have added to the figures of an epoch that runs. */
  async checkpoint(): Promise<Uint8Array> {
    if (this.trainer.batch > 0) await this.#gather();
    return await this.trainer.checkpoint();
  }

  /** Lets the others go. Nothing of it can be used after that but what is the trainer's own. */
  async end(): Promise<void> {
    await this.#command({ do: "end" });
  }

  async #gather(): Promise<void> {
    await this.#command({ do: "give" });
    // In the order of ranks: the sums come out the same each time.
    for (let rank = 1; rank < this.#group.size; rank++) this.trainer.takeSums(await this.#group.receive(rank));
  }

  /** In the middle of an epoch. */
  async #spread(): Promise<void> {
    if (this.trainer.batch > 0) await this.#gather();
    await this.#handOver();
  }

  /** All go on from where the first one is; what they have added to the epoch's figures, and not handed over, is dropped. */
  async #handOver(): Promise<void> {
    this.#weightsSet = this.trainer.weightsSet;
    await this.#command({ do: "take" });
    await this.#group.broadcast(await this.trainer.checkpoint(), 0);
  }

  async #command(command: Command): Promise<void> {
    await this.#group.broadcast(new TextEncoder().encode(JSON.stringify(command)), 0);
  }
}

/**
 * What all members but the first do, until that one ends the training. Rejects with FLOCK_GROUP_BROKEN when a member is gone, and with the
 * reason of `retiring` once the first had the time to write a checkpoint.
 */
export async function follow(trainer: Trainer, group: MemberGroup, retiring: AbortSignal | null = null): Promise<void> {
  for (let leaves = false; ; ) {
    const command = JSON.parse(new TextDecoder().decode(await group.broadcast(null, 0))) as Command;
    if (command.do === "end") return;
    if (command.do === "give") await group.send(0, trainer.giveSums());
    else if (command.do === "take") await takeOver(trainer, group);
    else {
      if (leaves) retiring?.throwIfAborted();
      leaves = retiring?.aborted ?? false;
      await followStep(trainer, group, command, leaves);
    }
  }
}

async function takeOver(trainer: Trainer, group: MemberGroup): Promise<void> {
  await trainer.restore(await group.broadcast(null, 0));
  trainer.giveSums(); // they count once, with the first member
}

async function followStep(
  trainer: Trainer,
  group: MemberGroup,
  { epoch, batch, learningRate }: Extract<Command, { do: "step" }>,
  leaves: boolean,
): Promise<void> {
  const rows = trainer.nextBatch();
  if (rows === null || trainer.epoch !== epoch || trainer.batch !== batch) {
    const here = `${trainer.epoch + 1}, step ${trainer.batch + 1}`;
    throw new FlockError(
      "FLOCK_INTERNAL",
      `Member ${group.rank} is in epoch ${here}, the first in ${epoch + 1}, ${batch + 1}.`,
    );
  }
  if (trainer.learningRate !== learningRate) trainer.learningRate = learningRate;
  await trainer.beginEpoch();
  await stepTogether(trainer, group, rows, leaves);
}

/** One step on all rows of the batch, of which each member computes its shard. True when a member `leaves` after it. */
async function stepTogether(trainer: Trainer, group: MemberGroup, rows: Int32Array, leaves: boolean): Promise<boolean> {
  const own = shardOf(rows, group.rank, group.size);
  const { flat, loss, outputs, weight } = await trainer.gradients(own);
  const share = weight / rows.length;
  // The loss, and whether a member leaves, go along with the gradients.
  const part = new Float32Array(flat.length + 2);
  for (let i = 0; i < flat.length; i++) part[i] = flat[i]! * share;
  part[flat.length] = loss * share;
  part[flat.length + 1] = leaves ? 1 : 0;
  const whole = await group.allReduce(part, "sum");
  await trainer.apply(whole.subarray(0, flat.length));
  await trainer.endBatch(own, { loss, outputs }, whole[flat.length]);
  return whole[flat.length + 1]! > 0;
}
