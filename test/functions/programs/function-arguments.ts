// Functions among the arguments: with data around them, in objects and lists, as classes, and twice the same.
import { program } from "../program.ts";

const costs = new Map([
  ["cat", 1],
  ["dog", 4],
]);
const costOf = (name: string) => costs.get(name) ?? 9;
const threshold = 3;

interface Model {
  readonly fit: (values: readonly number[]) => number;
  readonly predict: (fitted: number, value: number) => boolean;
  readonly tests: readonly ((value: number) => boolean)[];
}
const classifier: Model = {
  fit: (values) => Math.max(...values) - threshold,
  predict: (fitted, value) => value > fitted,
  tests: [(value) => value > threshold, Number.isInteger],
};

class Running {
  total = threshold;
  add(value: number): number {
    this.total += value;
    return this.total;
  }
}

const score = (names: readonly string[], cost: (name: string) => number) =>
  names.map(cost).reduce((sum, value) => sum + value, 0);
const evaluate = (given: Model, values: readonly number[]) => {
  const fitted = given.fit(values);
  return values.map((value) => given.predict(fitted, value) && given.tests.every((test) => test(value)));
};
const same = (first: () => number, others: { again: () => number; like: () => number }) => [
  first === others.again,
  first() === others.like(),
];
const build = (Type: new () => Running, value: number) => new Type().add(value);

program("function-arguments", [14, [false, false, true], [true, true], 8, 13], async (client) => {
  const makeAnswer = () => () => threshold;
  const answer = makeAnswer();
  return client.gather([
    client.submit(score, [["cat", "dog", "eel"], costOf]),
    client.submit(evaluate, [classifier, [1.5, 2, 5]]),
    client.submit(same, [answer, { again: answer, like: makeAnswer() }]),
    client.submit(build, [Running, 5]),
    client.submit((names: readonly string[]) => score(names, costOf), [["dog", "eel"]]),
  ]);
});
