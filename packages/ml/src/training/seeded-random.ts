// Random numbers of a training. TensorFlow.js has no seed of its own: initial weights and dropout come from Math.random (once for each
// tensor, to seed a generator of their own), on every backend, unless a layer has a seed. So while a model is built and while a step
// computes, Math.random gives numbers of ours, and everybody else's code that runs in between keeps the real one.
import { AsyncLocalStorage } from "node:async_hooks";

type Random = () => number;

/**
 * sfc32 of PractRand by Chris Doty-Humphrey (public domain, https://pracrand.sourceforge.net): 128 bits of state, of which one word is
 * a counter. The four words of the seed may be any numbers: the first rounds, which mix them, are thrown away as PractRand does.
 */
export function sfc32(a: number, b: number, c: number, counter: number): Random {
  let [x, y, z, count] = [a | 0, b | 0, c | 0, counter | 0];
  const next = () => {
    const sum = (((x + y) | 0) + count) | 0;
    count = (count + 1) | 0;
    x = y ^ (y >>> 9);
    y = (z + (z << 3)) | 0;
    z = (((z << 21) | (z >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 15; round++) next();
  return next;
}

/** What random numbers are for: each purpose has numbers of its own. */
const purposes = { build: 1, order: 2, step: 3 } as const;

/**
 * The generator for one purpose at one place of a training. It depends on nothing that came before, so the place in the data is all the
 * random state there is: a step that is done again, here or elsewhere, draws the same numbers.
 */
export function randomAt(seed: number, purpose: keyof typeof purposes, epoch = 0, step = 0, shard = 0): Random {
  // A seed may have 53 bits and a sign: both halves count.
  const high = Math.floor(seed / 2 ** 32) | 0;
  return sfc32(
    seed | 0,
    high ^ Math.imul(shard + 1, 0x9e3779b1),
    Math.imul(epoch + 1, 0x85ebca6b) ^ purposes[purpose],
    step,
  );
}

const current = new AsyncLocalStorage<Random>();
let users = 0;
let real: Random = Math.random;

function seeded(): number {
  return (current.getStore() ?? real)();
}

/** Runs `work` with Math.random drawing from `random`: in what `work` calls and awaits, and nowhere else. */
export async function withRandom<T>(random: Random, work: () => T | Promise<T>): Promise<T> {
  enter();
  try {
    return await current.run(random, work);
  } finally {
    leave();
  }
}

/** As `withRandom`, for work that awaits nothing. */
export function withRandomNow<T>(random: Random, work: () => T): T {
  enter();
  try {
    return current.run(random, work);
  } finally {
    leave();
  }
}

function enter(): void {
  if (users++ > 0) return;
  real = Math.random;
  Math.random = seeded;
}

function leave(): void {
  if (--users === 0 && Math.random === seeded) Math.random = real;
}
