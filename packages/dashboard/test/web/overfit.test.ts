// Question 9: is my training over-fitting? The sentence that answers it.
import { describe, expect, it } from "vitest";
import type { TrainingEpoch } from "../../server/details/training-table.ts";
import { fitVerdict } from "../../web/pages/training/overfit.ts";

type Curve = (epoch: number) => number | null;

function history(epochs: number, loss: Curve, valLoss?: Curve): TrainingEpoch[] {
  return Array.from({ length: epochs }, (_, at) => {
    const epoch = at + 1;
    const values = { loss: loss(epoch), ...(valLoss === undefined ? {} : { valLoss: valLoss(epoch) }) };
    return { epoch, step: epoch * 10, seconds: 1, learningRate: 0.001, values, isBest: false, at: epoch * 1e6 };
  });
}

/** The same numbers for the same seed, between -1 and 1. */
function jitter(seed: number): (epoch: number) => number {
  return (epoch) => {
    let state = (seed * 2654435761 + epoch * 40503) >>> 0;
    for (let round = 0; round < 3; round++) {
      state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) >>> 0;
      state = (state ^ (state >>> 12)) >>> 0;
    }
    return (state / 2 ** 32) * 2 - 1;
  };
}

const falling = (epoch: number): number => 2 * 0.85 ** epoch;
/** Falls until epoch 7, rises from there. */
const turning = (epoch: number): number => 0.8 + 0.01 * (epoch - 7) ** 2;

describe("whether a training over-fits", () => {
  it("says since when, and which epoch is best", () => {
    expect(fitVerdict(history(12, falling, turning))).toEqual({
      fit: "over-fits",
      bestEpoch: 7,
      sentence:
        "Validation loss has risen since epoch 7 (0.8000 then, 1.0500 now) while training loss still falls: it over-fits; best epoch 7.",
    });
  });

  it("says that it does not while both fall", () => {
    const { fit, sentence } = fitVerdict(history(12, falling, (epoch) => falling(epoch) + 0.1));
    expect(fit).toBe("fine");
    expect(sentence).toBe(
      "Validation loss still falls with training loss: it does not over-fit; best epoch 12 so far.",
    );
  });

  it("waits for enough epochs, and for some after the best", () => {
    expect(fitVerdict([]).sentence).toBe("No epoch has ended yet.");
    expect(fitVerdict(history(1, falling, turning)).sentence).toMatch(/^1 epoch so far: too few/);
    expect(fitVerdict(history(4, falling, (epoch) => epoch)).fit).toBe("too early");
    expect(fitVerdict(history(9, falling, turning)).fit).toBe("fine");
    expect(fitVerdict(history(10, falling, turning)).fit).toBe("over-fits");
  });

  it("says when there is no validation data", () => {
    expect(fitVerdict(history(20, falling))).toMatchObject({ fit: "no validation", bestEpoch: null });
    expect(fitVerdict(history(20, falling)).sentence).toMatch(/^No validation data: /);
  });

  it("seldom takes noise for a rise", () => {
    const seeds = Array.from({ length: 500 }, (_, at) => jitter(at + 1));
    const flat = seeds.filter((noise) => {
      const plateau = (epoch: number): number => 0.5 + 0.05 * noise(epoch);
      return fitVerdict(history(30, falling, plateau)).fit === "over-fits";
    });
    expect(flat.length).toBeLessThanOrEqual(10);
    const slow = seeds.filter((noise) => {
      const slowly = (epoch: number): number => 1 - 0.02 * epoch + 0.03 * noise(epoch);
      return fitVerdict(history(30, falling, slowly)).fit !== "fine";
    });
    expect(slow).toEqual([]);
  });

  it("finds a rise through noise", () => {
    for (let seed = 1; seed <= 500; seed++) {
      const noise = jitter(seed);
      const noisy = (epoch: number): number => 0.5 + 0.03 * Math.abs(epoch - 10) + 0.03 * noise(epoch);
      const verdict = fitVerdict(history(30, (epoch) => falling(epoch) + 0.005 * noise(epoch + 100), noisy));
      expect(verdict.fit, `seed ${seed}`).toBe("over-fits");
      expect(Math.abs((verdict.bestEpoch ?? 0) - 10), `seed ${seed}`).toBeLessThanOrEqual(2);
    }
  });

  it("tells over-fitting from a training that falls apart", () => {
    const verdict = fitVerdict(history(12, (epoch) => 0.2 + 0.05 * Math.abs(epoch - 6), turning));
    expect(verdict.fit).toBe("diverges");
    expect(verdict.sentence).toContain("so has training loss");
    expect(fitVerdict(history(12, (epoch) => (epoch > 9 ? null : falling(epoch)), turning))).toEqual({
      fit: "diverged",
      bestEpoch: 7,
      sentence: "The loss is not a number since epoch 10: the training has diverged. A lower learning rate may help.",
    });
  });

  it("says when validation loss stands still", () => {
    const still = (epoch: number): number => (epoch < 5 ? 1 - 0.1 * epoch : 0.6001);
    const learning = fitVerdict(history(14, falling, still));
    expect(learning.fit).toBe("levelled off");
    expect(learning.sentence).toContain("not fallen since epoch 4 while training loss still falls");
    expect(fitVerdict(history(14, still, still)).sentence).toMatch(/^Neither loss has fallen since epoch 4/);
  });
});
