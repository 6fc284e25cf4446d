// Captured data: more than travels with a task, and a web of objects of which each stays one object inside a call.
import { program } from "../program.ts";

const weights = Float64Array.from({ length: 20_000 }, (_, index) => (index % 97) / 8);
const dot = (start: number) => weights.subarray(start).reduce((sum, weight, index) => sum + weight * (index % 5), 0);

const tally = { hits: 0 };
const tallies = new Map([
  ["left", tally],
  ["right", tally],
]);
const marks = new Set<unknown>([1, "two", tally]);
const since = new Date(86_400_000);
const report = { when: since, owners: [tally, { boss: tally }], pattern: /a+b/gi, big: 12n, none: undefined };

const countOnce = () => {
  for (const owner of tallies.values()) owner.hits++;
  return {
    hits: tally.hits,
    one: report.owners[0] === tally && marks.has(tally) && report.when === since,
    kinds: [since.getTime(), report.pattern.test("xAAB"), report.big, "none" in report, [...marks].slice(0, 2)],
  };
};

const counted = { hits: 2, one: true, kinds: [86_400_000, true, 12n, true, [1, "two"]] };

program("captured-data", { dots: [dot(0), dot(1)], first: counted, second: counted, here: 0 }, async (client) => {
  const dots = await client.gather(client.map(dot, [0, 1]));
  const first = await client.call(countOnce, []);
  const second = await client.call(countOnce, []);
  return { dots, first, second, here: tally.hits };
});
