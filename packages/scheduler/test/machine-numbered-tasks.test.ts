import { defaultTaskOptions, type SessionId, type TaskNumber } from "@taskflock/protocol/words";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Core } from "../src/machine/core.ts";
import { defaultSchedulerConfig } from "../src/machine/index.ts";
import { NumberedTasks } from "../src/machine/numbered-tasks.ts";
import type { Task } from "../src/machine/records.ts";
import { sessionJoined } from "../src/machine/sessions.ts";
import { Stage } from "./machine-stage.ts";

/** Neighbours, numbers far apart, and the largest there are. */
const number = fc.oneof(
  fc.nat(300),
  fc.nat(300).map((n) => n + 2 ** 31 - 150),
  fc.nat(300).map((n) => Number.MAX_SAFE_INTEGER - n),
);

function someTasks(): Task[] {
  const core = new Core(defaultSchedulerConfig, new Stage());
  sessionJoined(core, 1 as SessionId, "client");
  const run = core.sessions.get(1 as SessionId)!.runs.get(0)!;
  const options = { data: defaultTaskOptions, lane: core.open };
  return Array.from({ length: 8 }, (_, n) => core.newTask(n as TaskNumber, options, run));
}

test("tasks are found under the numbers that they were given, until those are taken back", () => {
  const tasks = someTasks();
  const change = fc.record({ n: number, task: fc.option(fc.constantFrom(...tasks), { freq: 2 }) });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 400, size: "max" }), number, (changes, from) => {
      const table = new NumberedTasks();
      const model = new Map<number, Task>();
      for (const { n, task } of changes) {
        if (task === null) table.delete(n as TaskNumber);
        else table.set(n as TaskNumber, task);
        if (task === null) model.delete(n);
        else model.set(n, task);
        expect(table.get(n as TaskNumber)).toBe(model.get(n));
        expect(table.has(n as TaskNumber)).toBe(model.has(n));
      }
      const ordered = (entries: Iterable<readonly [number, Task]>) => [...entries].sort(([a], [b]) => a - b);
      expect(ordered(table)).toEqual(ordered(model));
      expect([...table.after(from)]).toEqual(ordered(model).filter(([n]) => n > from));
    }),
    { seed: 7, numRuns: 60 },
  );
});
