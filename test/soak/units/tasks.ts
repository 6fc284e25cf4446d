// What the units submit. Each is also called here, for the value that is right.

import { taskClient, taskContext } from "taskflock";

export const scale = (x: number): number => x * 3 + 1;

export const add = (a: number, b: number): number => a + b;

export const total = (parts: readonly number[]): number => parts.reduce((sum, part) => sum + part, 0);

export function table(length: number, seed: number): Float64Array {
  const values = new Float64Array(length);
  for (let i = 0; i < length; i++) values[i] = (i * 7 + seed) % 1_000;
  return values;
}

export const sumOf = (values: Float64Array, factor: number): number =>
  values.reduce((sum, value) => sum + value, 0) * factor;

export const shifted = (values: Float64Array, by: number): Float64Array => values.map((value) => value + by);

/** Keeps its slot for a while, without code that runs. */
export async function slowly(ms: number, value: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return value;
}

/** Keeps its slot for a while, with code that does not return. */
export function busily(ms: number, value: number): number {
  const end = performance.now() + ms;
  while (performance.now() < end);
  return value;
}

/** Throws in its first attempts. */
export function stubborn(attempts: number, value: number): number {
  const { attempt } = taskContext().task;
  if (attempt <= attempts) throw new RangeError(`attempt ${attempt} of ${attempts} that throw`);
  return value;
}

export function broken(value: number): never {
  throw new RangeError(`broken by plan ${value}`);
}

export function endless(): never {
  for (;;);
}

export async function waiting(): Promise<never> {
  const { signal } = taskContext();
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  throw signal.reason;
}

/** Nobody else may be where it is: throws if somebody was. */
export async function alone(lock: string, variable: string, value: number): Promise<number> {
  const client = await taskClient();
  const { key, attempt } = taskContext().task;
  const mark = `${key}/${attempt}`;
  await client.lock(lock).withLock(async () => {
    const holder = client.variable<string>(variable);
    await holder.set(mark);
    await new Promise((resolve) => setTimeout(resolve, 2));
    const found = await holder.get();
    if (found !== mark) throw new Error(`${mark} had the lock ${lock}, and met ${found} in there`);
  });
  return value;
}

export class Ledger {
  #entries = 0;
  #sum: number;

  constructor(start: number) {
    this.#sum = start;
  }

  add(entry: number): { readonly entries: number; readonly sum: number } {
    this.#entries++;
    this.#sum += entry;
    return { entries: this.#entries, sum: this.#sum };
  }

  large(length: number): Float64Array {
    return new Float64Array(length).fill(this.#sum);
  }
}
