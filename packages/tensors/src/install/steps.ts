// What is told of an installation while it goes on.

export interface Step {
  readonly name: string;
  /** What came out; null when the step begins. */
  readonly result: string | null;
  readonly ms: number;
}

export class Steps {
  readonly #onStep: ((step: Step) => void) | undefined;

  constructor(onStep: ((step: Step) => void) | undefined) {
    this.#onStep = onStep;
  }

  /** `work` gives its result, and what to say of it. */
  async run<T>(name: string, work: () => Promise<readonly [T, string]>): Promise<T> {
    const start = performance.now();
    this.#onStep?.({ name, result: null, ms: 0 });
    const [value, result] = await work();
    this.#onStep?.({ name, result, ms: performance.now() - start });
    return value;
  }

  say(name: string): void {
    this.#onStep?.({ name, result: "", ms: 0 });
  }
}
