import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Rate, RunRates } from "../../server/feed/rates.ts";
import { overviewOf, runOf } from "./fakes.ts";

const counts = (total: number, done: number) => ({ total, done, failed: 0, cancelled: 0, running: 0 });
/** A run with so many of 100 tasks done, at a time in seconds. */
const at = (seconds: number, done: number, some: Parameters<typeof runOf>[0] = {}) =>
  overviewOf({ now: seconds * 1e6, ended: done, runs: [runOf({ counts: counts(100, done), ...some })] });

describe("rates", () => {
  test("nothing is known before something ended", () => {
    const rates = new RunRates();
    expect(rates.update(at(0, 0))).toEqual([
      { run: 0, perSecond: null, secondsLeft: 0 },
      { run: 1, perSecond: null, secondsLeft: null },
    ]);
    expect(rates.update(at(5, 0))[1]).toEqual({ run: 1, perSecond: null, secondsLeft: null });
  });

  test("a run that began before: as fast as in its life so far", () => {
    expect(new RunRates().update(at(50, 25))[1]).toEqual({ run: 1, perSecond: 0.5, secondsLeft: 150 });
  });

  test("follow what is lately", () => {
    const rates = new RunRates();
    for (let second = 0; second <= 100; second++) rates.update(at(second, 0.1 * second));
    for (let second = 101; second <= 140; second++) rates.update(at(second, 10 + (second - 100)));
    const [, rate] = rates.update(at(140, 50));
    expect(rate?.perSecond).toBeGreaterThan(0.6);
    expect(rate?.perSecond).toBeLessThanOrEqual(1);
    expect(rate?.secondsLeft).toBeLessThan(90);
  });

  test("steps where the run has them", () => {
    const rate = new RunRates().update(at(60, 99, { steps: 54, stepsDone: 6 }))[1];
    expect(rate).toEqual({ run: 1, perSecond: 0.1, secondsLeft: 480 });
  });

  test("a run that gets steps later is counted anew, not as if it had gone back", () => {
    const rates = new RunRates();
    rates.update(at(10, 80));
    expect(rates.update(at(20, 90, { steps: 10, stepsDone: 1 }))[1]).toMatchObject({
      perSecond: 0.05,
      secondsLeft: 180,
    });
  });

  test("only open runs; an ended one is forgotten", () => {
    const rates = new RunRates();
    rates.update(at(10, 80));
    expect(rates.update(at(20, 100, { status: "done" }))).toHaveLength(1);
  });

  test("all in all: what is not finished, whosever it is", () => {
    const rates = new RunRates();
    rates.update(overviewOf({ now: 0, ended: 1000, tasks: { queued: 100 } }));
    const [all] = rates.update(overviewOf({ now: 2e6, ended: 1020, tasks: { queued: 70, running: 10 } }));
    expect(all).toEqual({ run: 0, perSecond: 10, secondsLeft: 8 });
  });

  test("long tasks: one that ended a while ago still counts", () => {
    const rate = new Rate({ ended: 0, left: 9, running: 1, at: 0 }, 0);
    for (let second = 1; second <= 300; second++) {
      rate.update({ ended: Math.floor(second / 60), left: 9, running: 1, at: second * 1e6 });
    }
    expect(rate.perSecond).toBeGreaterThan(0.012);
    expect(rate.perSecond).toBeLessThan(0.025);
  });

  test("time in which there was nothing to do does not count", () => {
    const rates = new RunRates();
    const idle = (seconds: number, ended: number, queued: number) =>
      rates.update(overviewOf({ now: seconds * 1e6, ended, tasks: { queued } }));
    idle(0, 0, 0);
    idle(3600, 0, 100);
    expect(idle(3605, 50, 50)[0]).toEqual({ run: 0, perSecond: 10, secondsLeft: 5 });
    idle(3610, 100, 0);
    expect(idle(3611, 100, 0)[0]).toEqual({ run: 0, perSecond: 10, secondsLeft: 0 });
    expect(idle(3613, 100, 0)[0]).toEqual({ run: 0, perSecond: null, secondsLeft: 0 });
  });

  test("the last task is not as quick as thousands of tiny ones were before it", () => {
    const rate = new Rate({ ended: 0, left: 9, running: 4, at: 0 }, 0);
    rate.update({ ended: 30_000, left: 1, running: 1, at: 1e6 });
    expect(rate.perSecond).toBe(30_000);
    rate.update({ ended: 30_000, left: 1, running: 1, at: 8e6 });
    expect(rate.perSecond).toBeCloseTo(1 / 7);
  });

  test("but many that run side by side may well end together", () => {
    const rate = new Rate({ ended: 0, left: 80, running: 8, at: 0 }, 0);
    for (let second = 1; second <= 115; second++) {
      rate.update({ ended: 8 * Math.floor(second / 60), left: 72, running: 8, at: second * 1e6 });
    }
    expect(rate.perSecond).toBeGreaterThan(0.05);
  });

  test("are numbers that can be shown, whatever comes", () => {
    const moment = fc.record({
      now: fc.integer({ min: 0, max: 1e9 }),
      done: fc.integer({ min: 0, max: 1000 }),
      total: fc.integer({ min: 0, max: 1000 }),
      steps: fc.integer({ min: 0, max: 10 }),
    });
    fc.assert(
      fc.property(fc.array(moment, { minLength: 1, maxLength: 20 }), (moments) => {
        const rates = new RunRates();
        for (const { now, done, total, steps } of moments) {
          const runs = [runOf({ counts: counts(total, done), steps, stepsDone: done })];
          for (const { perSecond, secondsLeft } of rates.update(overviewOf({ now, ended: done, runs }))) {
            for (const value of [perSecond, secondsLeft]) {
              expect(value === null || (Number.isFinite(value) && value >= 0)).toBe(true);
            }
          }
        }
      }),
    );
  });
});
