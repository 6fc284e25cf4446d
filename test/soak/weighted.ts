import type { Random } from "../simulation/random.ts";

/** One of the choices, each as often as its weight says. */
export function weighted<T>(random: Random, choices: ReadonlyArray<readonly [weight: number, choice: T]>): T {
  let rest = random.next() * choices.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, choice] of choices) {
    rest -= weight;
    if (rest < 0) return choice;
  }
  return choices.at(-1)![1];
}
