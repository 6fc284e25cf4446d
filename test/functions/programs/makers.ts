// Functions that make closures: two of one maker, closures of closures, state that two share, a thousand at once.
import { program } from "../program.ts";

const makeScaler = (factor: number) => (x: number) => x * factor;
const double = makeScaler(2);
const triple = makeScaler(3);
const compose =
  (...steps: readonly ((x: number) => number)[]) =>
  (x: number) =>
    steps.reduce((value, step) => step(value), x);

const curried = (a: number) => (b: number) => (c: number) => `${a}${b}${c}`;

function makeCounter(start: number) {
  const state = { count: start };
  return { next: () => ++state.count, peek: () => state.count };
}
const counter = makeCounter(5);
counter.next();
const useCounter = (times: number) => {
  for (let i = 0; i < times; i++) counter.next();
  return counter.peek();
};

const lookup = new Map(Array.from({ length: 1000 }, (_, index) => [index, index ** 2]));

program(
  "makers",
  { scaled: [8, 12], composed: 36, curried: "123", counter: [9, 8, 6], sum: 499_500, squares: 332_833_500 },
  async (client) => {
    const thousand = Array.from({ length: 1000 }, (_, index) => client.submit(makeScaler(index), [1]));
    const squares = client.map((index: number) => lookup.get(index) ?? 0, lookup.keys());
    const total = (values: number[]) => values.reduce((sum, value) => sum + value, 0);
    return {
      scaled: await client.gather([client.submit(double, [4]), client.submit(triple, [4])]),
      composed: await client.call(
        compose(double, triple, (x) => x + double(triple(2))),
        [4],
      ),
      curried: await client.call(curried(1)(2), [3]),
      counter: [await client.call(useCounter, [3]), await client.call(useCounter, [2]), counter.peek()],
      sum: total(await client.gather(thousand)),
      squares: total(await client.gather(squares)),
    };
  },
);
