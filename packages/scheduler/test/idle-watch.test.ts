import { expect, test } from "vitest";
import { IdleWatch } from "../src/idle-watch.ts";

test("idle for as long as it may be, since the last thing that happened to a task", () => {
  const seen = { transitions: 0, unfinished: 0 };
  const watch = new IdleWatch(1_000, () => ({ ...seen }));
  expect(watch.isOver(5_000)).toBe(false); // from the first look on
  expect(watch.isOver(5_999)).toBe(false);
  seen.transitions++;
  expect(watch.isOver(6_000)).toBe(false);
  expect(watch.isOver(6_999)).toBe(false);
  expect(watch.isOver(7_000)).toBe(true);
});

test("a task that is not finished keeps a cluster from being idle, however long it takes", () => {
  const seen = { transitions: 3, unfinished: 1 };
  const watch = new IdleWatch(1_000, () => ({ ...seen }));
  for (let at = 0; at < 100_000; at += 500) expect(watch.isOver(at)).toBe(false);
  seen.unfinished = 0;
  seen.transitions++;
  expect(watch.isOver(100_000)).toBe(false);
  expect(watch.isOver(101_000)).toBe(true);
});
