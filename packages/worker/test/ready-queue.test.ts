import type { Assign } from "@taskflock/protocol/words";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ReadyQueue } from "../src/machine/ready-queue.ts";
import { newTask, type TaskRecord } from "../src/machine/records.ts";

const task = (order: number, seq: number): TaskRecord => newTask({ order } as Assign, seq);

test("gives the most urgent first, whatever order they come in and whichever are taken out", () => {
  const act = fc.oneof(
    { weight: 4, arbitrary: fc.record({ push: fc.integer({ min: 0, max: 20 }) }) },
    { weight: 2, arbitrary: fc.constant({ pop: true }) },
    { weight: 1, arbitrary: fc.record({ remove: fc.nat() }) },
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 300 }), (acts) => {
      const queue = new ReadyQueue();
      const held: TaskRecord[] = [];
      let seq = 0;
      for (const step of acts) {
        if ("push" in step) {
          const one = task(step.push, ++seq);
          queue.push(one);
          held.push(one);
        } else if ("pop" in step) {
          held.sort((a, b) => a.order - b.order || a.seq - b.seq);
          expect(queue.peek()).toBe(held[0]);
          expect(queue.pop()).toBe(held.shift());
        } else if (held.length > 0) {
          const [one] = held.splice(step.remove % held.length, 1) as [TaskRecord];
          expect([queue.remove(one), queue.remove(one), one.readyPlace]).toEqual([true, false, -1]);
        }
        expect(queue.size).toBe(held.length);
      }
    }),
    { seed: 1 },
  );
});

test("many that pass through while it never empties keep their order", () => {
  const queue = new ReadyQueue();
  for (let i = 0; i < 10; i++) queue.push(task(0, i));
  for (let i = 10; i < 50_000; i++) {
    queue.push(task(0, i));
    expect(queue.pop()?.seq).toBe(i - 10);
  }
  expect(queue.size).toBe(10);
});
