// State of a module that two captured functions share: each call starts from the value at its submit, and keeps its own.
import { program } from "../program.ts";

let seed = 42;

function nextRandom(): number {
  seed = (seed + 0x6d2b79f5) | 0;
  const mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
  return (mixed ^ (mixed >>> 14)) >>> 0;
}
function restart(value: number): void {
  seed = value;
}
const draw = (count: number) => {
  const first = Array.from({ length: count }, nextRandom);
  restart(7);
  return [...first, nextRandom()];
};

/** The same numbers, by a generator that keeps its state in a parameter. */
const drawn = (start: number, count: number): number[] => {
  const values: number[] = [];
  for (let state = start, i = 0; i < count; i++) {
    state = (state + 0x6d2b79f5) | 0;
    const mixed = Math.imul(state ^ (state >>> 15), state | 1);
    values.push((mixed ^ (mixed >>> 14)) >>> 0);
  }
  return values;
};

const [fromSeven = 0] = drawn(7, 1);

program(
  "module-state",
  [[...drawn(42, 2), fromSeven], [...drawn(42, 2), fromSeven], [...drawn(1000, 1), fromSeven], 1000],
  async (client) => {
    const first = await client.call(draw, [2]);
    const second = await client.call(draw, [2]);
    restart(1000);
    return [first, second, await client.call(draw, [1]), seed];
  },
);
