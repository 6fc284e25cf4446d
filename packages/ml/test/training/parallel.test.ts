import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MemberGroup } from "../../src/training/member-group.ts";
import { follow, LeadingTrainer, shardOf } from "../../src/training/parallel.ts";
import { Trainer } from "../../src/training/trainer.ts";
import type { CallbackHooks, TrainingPlan, TrainingSet } from "../../src/training/types.ts";
import { labelled, net, plan, run, surroundings, tf, trainer, written0 } from "./stage.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

afterAll(() => {
  tf.disposeVariables();
});

/** Members in one process; sums are made in the order of ranks. What they send each other has a way of its own. */
function groups(size: number): MemberGroup[] {
  const boxes = new Map<string, { queue: Uint8Array[]; wake: () => void }>();
  const box = (from: number, to: number, lane: string) => {
    const name = `${from} ${to} ${lane}`;
    const known = boxes.get(name) ?? { queue: [], wake: () => {} };
    boxes.set(name, known);
    return known;
  };
  const send = (from: number, to: number, lane: string, bytes: Uint8Array): void => {
    const { queue, wake } = box(from, to, lane);
    queue.push(bytes.slice());
    wake();
  };
  const receive = async (from: number, to: number, lane: string): Promise<Uint8Array> => {
    const one = box(from, to, lane);
    while (one.queue.length === 0) {
      await new Promise<void>((resolve) => {
        one.wake = resolve;
      });
    }
    return one.queue.shift()!;
  };
  return Array.from({ length: size }, (_, rank): MemberGroup => {
    const others = Array.from({ length: size }, (_, other) => other).filter((other) => other !== rank);
    return {
      rank,
      size,
      send: async (to, bytes) => send(rank, to, "own", bytes),
      receive: (from) => receive(from, rank, "own"),
      broadcast: async (bytes, from = 0) => {
        if (rank !== from) return receive(from, rank, "all");
        for (const other of others) send(rank, other, "all", bytes!);
        return bytes!;
      },
      allReduce: async (values) => {
        for (const other of others) send(rank, other, "sum", new Uint8Array(values.buffer));
        const sum = new Float32Array(values.length);
        for (let from = 0; from < size; from++) {
          const part = from === rank ? values : new Float32Array((await receive(from, rank, "sum")).buffer);
          for (let i = 0; i < sum.length; i++) sum[i]! += part[i]!;
        }
        return sum;
      },
    };
  });
}

interface Parallel {
  readonly leading: LeadingTrainer;
  readonly trainers: readonly Trainer[];
  /** Of the others, as soon as the first has ended. */
  readonly followed: Promise<unknown>;
}

async function begin(size: number, options: Partial<TrainingPlan>, checkpoint?: Uint8Array): Promise<Parallel> {
  const validation: TrainingSet = labelled(10, 2);
  const trainers: Trainer[] = [];
  for (let rank = 0; rank < size; rank++) {
    // Only the first has validation data; weights of the others are other ones until the first has told them.
    const own = plan({ ...options, seed: rank === 0 ? 42 : 1000 + rank });
    trainers.push(
      await Trainer.create(tf, own, labelled(), rank === 0 ? validation : null, surroundings(written0(), rank)),
    );
  }
  const members = groups(size);
  if (checkpoint !== undefined) await trainers[0]!.restore(checkpoint);
  const followed = Promise.all(members.slice(1).map((group) => follow(trainers[group.rank]!, group)));
  return { leading: await LeadingTrainer.lead(trainers[0]!, members[0]!), trainers, followed };
}

async function toEnd({ leading, followed }: Parallel): Promise<void> {
  while (!leading.trainer.done) {
    while (await leading.step());
    await leading.endEpoch();
  }
  await leading.end();
  await followed;
}

async function weightsOf(training: Trainer): Promise<Float32Array> {
  const { weightData } = await training.artifact();
  return new Float32Array(weightData.slice().buffer);
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, within = 1e-5): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) expect(Math.abs(actual[i]! - expected[i]!)).toBeLessThanOrEqual(within);
}

const figures = (training: Trainer): Record<string, number>[] => training.history.map(({ logs }) => ({ ...logs }));

describe("shards", () => {
  it.each([1, 2, 3, 5, 9])("of %i members have all rows of a batch once, and as many as each other", (size) => {
    const rows = Int32Array.from({ length: 8 }, (_, i) => 10 + i);
    const shards = Array.from({ length: size }, (_, rank) => shardOf(rows, rank, size));
    expect(shards.flatMap((shard) => [...shard])).toEqual([...rows]);
    const lengths = shards.map(({ length }) => length);
    expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
  });
});

describe("several members", () => {
  const options: Partial<TrainingPlan> = {
    model: net({ l2: 0.01 }),
    epochs: 17, // of 3 batches: 51 steps
    metrics: ["accuracy", "f1"],
    classWeight: [1, 2, 0.5],
  };

  it.each([2, 3, 9])(
    "(%i of them) equal one process with the same batches within 1e-5 after 50 steps",
    async (size) => {
      const alone = await trainer(options);
      await run(alone);
      const together = await begin(size, options);
      await toEnd(together);
      expectClose(await weightsOf(together.leading.trainer), await weightsOf(alone));
      const [own, expected] = [figures(together.leading.trainer), figures(alone)];
      expect(own.map(Object.keys)).toEqual(expected.map(Object.keys));
      own.forEach((logs, i) => {
        expectClose(Object.values(logs), Object.values(expected[i]!), 1e-4);
      });
    },
  );

  it("have the same weights after every step, to the last bit, also with dropout of their own", async () => {
    const { leading, trainers } = await begin(3, { model: net({ dropout: 0.3 }) });
    for (let step = 0; step < 3; step++) {
      await leading.step();
      await new Promise(setImmediate);
      for (const other of trainers.slice(1)) expect(await weightsOf(other)).toEqual(await weightsOf(trainers[0]!));
    }
  });

  it("go on from a checkpoint in the middle of an epoch with the figures of all members, also as fewer", async () => {
    const undisturbed = await begin(3, options);
    await toEnd(undisturbed);
    const first = await begin(3, options);
    for (let step = 0; step < 2; step++) await first.leading.step();
    const checkpoint = await first.leading.checkpoint();
    await first.leading.step(); // does not matter
    const fewer = await begin(2, options, checkpoint);
    await toEnd(fewer);
    const [own, expected] = [figures(fewer.leading.trainer), figures(undisturbed.leading.trainer)];
    own.forEach((logs, i) => {
      expectClose(Object.values(logs), Object.values(expected[i]!), 1e-4);
    });
  });

  it("take over what callbacks of the first change: learning rate, weights, the end", async () => {
    const seen: string[] = [];
    const changing: CallbackHooks<null> = {
      name: "changing",
      onEpochBegin: async (epoch, _, context) => {
        seen.push(`epoch ${epoch}`);
        if (epoch === 2) context.setWeights((await context.getWeights()).map((weights) => weights.map((w) => w / 2)));
      },
      onBatchEnd: async (step, _, __, context) => {
        if (step === 1) context.learningRate = 0.5;
        if (step === 2) context.setWeights((await context.getWeights()).map((weights) => weights.map((w) => -w)));
      },
      onEpochEnd: (epoch, _, __, context) => {
        context.learningRate /= 10;
        if (epoch === 2) context.stopTraining("enough");
      },
    };
    const changed: Partial<TrainingPlan> = {
      model: net({ optimizer: () => tf.train.sgd(0.1) }),
      callbacks: [changing],
      metrics: ["accuracy"],
      epochs: 5,
    };
    const alone = await trainer(changed);
    await run(alone);
    seen.length = 0;
    const together = await begin(3, changed);
    await toEnd(together);
    expect(seen).toEqual(["epoch 1", "epoch 2"]);
    expect(together.leading.trainer).toMatchObject({
      epoch: 2,
      stopReason: "enough",
      learningRate: alone.learningRate,
    });
    expectClose(await weightsOf(together.leading.trainer), await weightsOf(alone));
    figures(together.leading.trainer).forEach((logs, i) => {
      expectClose(Object.values(logs), Object.values(figures(alone)[i]!), 1e-4);
    });
  });
});
