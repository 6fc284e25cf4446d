// What goes wrong, and when: drawn before the run begins, so that one fault can be left out and all others stay as they are.

import type { Random } from "./random.ts";

/** How often, per ms of the active time. */
interface Rates {
  readonly cutClient: number;
  readonly cutWorker: number;
  /** It opens another connection while the scheduler counts the last one as up. */
  readonly abandonClient: number;
  readonly abandonWorker: number;
  /** Some parties cannot reach the others for a while. */
  readonly split: number;
  readonly killWorker: number;
  readonly retireWorker: number;
  readonly joinWorker: number;
  readonly blockClient: number;
  readonly crashClient: number;
  /** A worker's memory is above its pause limit for a while; what it stores is damaged on its disk. */
  readonly pauseWorker: number;
  readonly spoil: number;
  /** A client restarts the cluster, or one worker. */
  readonly restart: number;
  readonly restartWorker: number;
}

export type FaultKind = keyof Rates;

export interface PlannedFault {
  readonly atUs: number;
  readonly kind: FaultKind;
  /** Seeds whatever it draws. */
  readonly roll: number;
}

/** Most of them in one run. */
const MOST = 1_200;

const dense: Rates = {
  cutClient: 2,
  cutWorker: 2,
  abandonClient: 1,
  abandonWorker: 1,
  split: 0.1,
  killWorker: 0.3,
  retireWorker: 0.5,
  joinWorker: 0.3,
  blockClient: 1,
  crashClient: 0.01,
  pauseWorker: 1,
  spoil: 0.3,
  restart: 0.05,
  restartWorker: 0.5,
};

export const faultKinds: readonly FaultKind[] = Object.keys(dense) as FaultKind[];

/** A little of everything, or, often, much of one thing: races need it dense. */
export function drawFaults(random: Random, activeUs: number): PlannedFault[] {
  const rates = drawRates(random);
  const most = random.chance(0.4) ? null : random.pick(faultKinds);
  const faults: PlannedFault[] = [];
  for (const kind of faultKinds) {
    const perMs = kind === most ? dense[kind] * random.next() : rates[kind];
    if (perMs === 0) continue;
    for (let at = wait(random, perMs); at < activeUs && faults.length < MOST; at += wait(random, perMs))
      faults.push({ atUs: Math.round(at), kind, roll: random.between(0, 2 ** 31) });
  }
  return faults.sort((a, b) => a.atUs - b.atUs);
}

function wait(random: Random, perMs: number): number {
  return (-Math.log(1 - random.next()) / perMs) * 1000;
}

function drawRates(random: Random): Rates {
  const rough = random.skewed(1, 20);
  const some = (often: number): number => (random.chance(0.5) ? often * random.next() * rough : 0);
  return {
    cutClient: some(0.05),
    cutWorker: some(0.1),
    abandonClient: some(0.03),
    abandonWorker: some(0.05),
    split: some(0.005),
    killWorker: some(0.03),
    retireWorker: some(0.03),
    joinWorker: some(0.03),
    blockClient: some(0.05),
    crashClient: some(0.005),
    pauseWorker: some(0.05),
    spoil: some(0.02),
    restart: random.chance(0.2) ? 0.02 * random.next() * rough : 0,
    restartWorker: some(0.03),
  };
}
