import { expect, test } from "vitest";
import { phasesOf } from "../src/trace-phases.ts";

const line = (at: number, from: string, to: string, detail = "") => ({ at, cause: 1, from, to, detail });

test("a task that waited for its input, then ran", () => {
  const story = [
    line(10, "forgotten", "waiting", "submitted"),
    line(20, "waiting", "queued"),
    line(30, "queued", "assigned", "w1"),
    line(35, "assigned", "running", "w1"),
    line(90, "running", "done", "w1"),
  ];
  expect(phasesOf(story)).toEqual([
    { name: "wait", from: 10, to: 35, attempt: 1, worker: "" },
    { name: "run", from: 35, to: 90, attempt: 1, worker: "w1" },
  ]);
});

test("each execution, and the waits between them; a start that was not told is the assignment", () => {
  const story = [
    line(0, "forgotten", "queued"),
    line(5, "queued", "assigned", "w1"),
    line(9, "assigned", "delayed", "retry 1 of 2"),
    line(20, "delayed", "queued"),
    line(25, "queued", "assigned", "w2"),
    line(30, "assigned", "failed", "no"),
    line(40, "failed", "forgotten"),
  ];
  expect(phasesOf(story).map(({ name, from, to, attempt, worker }) => [name, from, to, attempt, worker])).toEqual([
    ["wait", 0, 5, 1, ""],
    ["run", 5, 9, 1, "w1"],
    ["wait", 9, 25, 2, ""],
    ["run", 25, 30, 2, "w2"],
  ]);
});

test("nothing of one that was never run but cancelled, beside its wait; nothing of an empty story", () => {
  expect(phasesOf([line(0, "forgotten", "queued"), line(8, "queued", "cancelled")])).toEqual([
    { name: "wait", from: 0, to: 8, attempt: 1, worker: "" },
  ]);
  expect(phasesOf([])).toEqual([]);
  expect(phasesOf([line(0, "forgotten", "queued")])).toEqual([]);
});
