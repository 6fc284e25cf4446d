// What decides how a generated program looks: a list of numbers, which fast-check makes and makes smaller.

export class Choices {
  readonly #numbers: readonly number[];
  #at = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  /** From 0 to below `count`; 0 when the numbers are used up, so that what stands first must be the simplest. */
  below(count: number): number {
    return (this.#numbers[this.#at++] ?? 0) % count;
  }

  get over(): boolean {
    return this.#at >= this.#numbers.length;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** True once in `every` times; never when the numbers are used up. */
  rarely(every: number): boolean {
    return this.below(every) === every - 1;
  }

  many<T>(from: number, to: number, make: (index: number) => T): T[] {
    return Array.from({ length: from + this.below(to - from + 1) }, (_, index) => make(index));
  }
}
