// Which trials go on, by the two rules.

import { describe, expect, it } from "vitest";
import { halvingSchedule } from "../../src/index.ts";
import { type Promotion, Race } from "../../src/search/promotion.ts";

/** Trials of these scores through all rungs, in the order of the queue; what each end promotes. */
function run(
  scores: readonly number[],
  promotion: Promotion,
  rungs = halvingSchedule({ candidates: scores.length, minResources: 1, maxResources: 100 }),
): {
  starts: number[][];
  dropped: number[];
} {
  const race = new Race(rungs, promotion);
  const starts: number[][] = rungs.map(() => []);
  const dropped: number[] = [];
  const queue = scores.map((_, trial) => [trial, 0] as [number, number]);
  for (const [trial, iter] of queue) {
    starts[iter]?.push(trial);
    const verdict = race.finished(trial, iter, scores[trial] as number);
    queue.push(...verdict.promoted.map((one) => [one, verdict.iter] as [number, number]));
    dropped.push(...verdict.dropped);
  }
  return { starts, dropped };
}

const nine = [0.1, 0.9, 0.3, 0.8, 0.2, 0.5, 0.7, 0.4, 0.6];

describe("synchronous promotion", () => {
  it("lets the best third go on when the rung is over, in ascending order", () => {
    const { starts, dropped } = run(nine, "synchronous");
    expect(starts).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 8], [6, 3, 1], [1]]);
    expect([...dropped].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(dropped.slice(0, 6)).toEqual([0, 2, 4, 5, 7, 8]);
  });

  it("takes NaN for the worst, and infinity as it is", () => {
    expect(run([Number.NaN, 0.1, Number.NaN], "synchronous").starts[1]).toEqual([1]);
    expect(run([Number.NEGATIVE_INFINITY, Number.NaN, Number.NaN], "synchronous").starts[1]).toHaveLength(1);
    expect(run([1, Number.POSITIVE_INFINITY, 2], "synchronous").starts[1]).toEqual([1]);
  });
});

describe("asynchronous promotion", () => {
  it("lets a trial go on as soon as it is in the best third of those that have ended", () => {
    const race = new Race(halvingSchedule({ candidates: 9, minResources: 1, maxResources: 9 }), "asynchronous");
    const ends = nine.map((score, trial) => race.finished(trial, 0, score).promoted);
    // After three: 1 (0.9). After six: the best two are 1 and 3. After nine: 1, 3 and 6.
    expect(ends).toEqual([[], [], [1], [], [], [3], [], [], [6]]);
  });

  it("takes all that the other rule takes, and perhaps more", () => {
    for (const scores of [nine, [...nine].sort(), [...nine].sort().reverse()]) {
      const asynchronous = run(scores, "asynchronous").starts;
      const synchronous = run(scores, "synchronous").starts;
      for (const [iter, trials] of synchronous.entries()) {
        for (const trial of trials) expect(asynchronous[iter]).toContain(trial);
      }
    }
    // The worst that can happen: each is better than all before it.
    expect(run([...nine].sort(), "asynchronous").starts[1]).toEqual([2, 3, 4, 5, 6, 7, 8]);
    expect(run([...nine].sort().reverse(), "asynchronous").starts[1]).toEqual([0, 1, 2]);
  });
});
