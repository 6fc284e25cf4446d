// Asynchronous functions, and generators that begin and end inside the task.
import { setImmediate as nextTurn } from "node:timers/promises";
import { program } from "../program.ts";

const pauseTurns = 2;

function* countTo(end: number): Generator<number, void, undefined> {
  for (let value = 1; value <= end; value++) yield value;
}
function* twice(end: number): Generator<number, void, undefined> {
  yield* countTo(end);
  yield* [...countTo(end)].reverse();
}
async function* slowly<T>(values: Iterable<T>): AsyncGenerator<T> {
  try {
    for (const value of values) {
      for (let turn = 0; turn < pauseTurns; turn++) await nextTurn();
      yield value;
    }
  } finally {
    await nextTurn();
  }
}
const firstOver = async (limit: number) => {
  const seen: number[] = [];
  for await (const value of slowly(twice(4))) {
    seen.push(value);
    if (value > limit) break;
  }
  return seen;
};
async function settled(values: number[]): Promise<string[]> {
  const half = async (value: number) => {
    if (value % 2 === 1) throw new RangeError(`${value} is odd`);
    return value / 2;
  };
  const outcomes = await Promise.allSettled(values.map(half));
  return outcomes.map((outcome) => (outcome.status === "fulfilled" ? `${outcome.value}` : outcome.reason.message));
}

program(
  "async-and-generators",
  [
    [1, 2, 3],
    ["1", "3 is odd"],
    [1, 2, 3, 3, 2, 1],
  ],
  async (client) =>
    client.gather([
      client.submit(firstOver, [2]),
      client.submit(settled, [[2, 3]]),
      client.submit((end: number) => [...twice(end)], [3]),
    ]),
);
