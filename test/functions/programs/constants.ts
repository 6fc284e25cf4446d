// Constants of the module, a `let` that changes between two submits, the variable of a loop.
import { program } from "../program.ts";

const factor = 3;
const {
  offset,
  labels: [firstLabel = "none"],
} = { offset: 10, labels: ["a", "b"] };
let generation = 1;

const advance = () => {
  generation++;
};

const scaled = (x: number) => x * factor + offset;
const labelled = (x: number) => `${firstLabel}${x}:${generation}`;

program(
  "constants",
  { scaled: [0, 1, 2].map(scaled), before: "a7:1", after: "a7:2", loop: [0, 10, 20], constant: 3 },
  async (client) => {
    const before = client.submit(labelled, [7]);
    advance();
    const after = client.submit(labelled, [7]);
    const loop: unknown[] = [];
    for (let step = 0; step < 3; step++) loop.push(client.submit((size: number) => step * size, [10]));
    return client.gather({
      scaled: client.map(scaled, [0, 1, 2]),
      before,
      after,
      loop,
      constant: client.submit(() => factor, []),
    });
  },
);
