import { expect, test } from "vitest";
import { afterReading, ReadingClock } from "../src/index.ts";

/** Keeps the event loop busy, as a long turn does. */
function block(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

test("a long turn is not counted as silence", async () => {
  let judged = 0;
  let clock!: ReadingClock;
  const first = new Promise<void>((resolve) => {
    clock = new ReadingClock(() => {
      judged++;
      resolve();
    }, 20);
  });
  await first;
  const before = clock.now;
  block(400);
  await turns(5); // the timer has fired, and judged
  expect(judged).toBeGreaterThanOrEqual(2);
  expect(clock.now - before).toBeLessThan(200);
  clock.stop();
});

test("a grace period passes only while sockets are read", async () => {
  let over = false;
  const passed = new Promise<void>((resolve) => {
    afterReading(500, () => {
      over = true;
      resolve();
    });
  });
  block(1000);
  await turns(5);
  expect(over).toBe(false);
  await passed;
});

test("a grace period does not end in a long turn: who came meanwhile is heard first", async () => {
  let over = false;
  const passed = new Promise<void>((resolve) => {
    afterReading(30, () => {
      over = true;
      resolve();
    });
  });
  block(300);
  await turns(5);
  expect(over).toBe(false);
  await passed;
});

test("a grace period can be taken back", async () => {
  let over = false;
  const takeBack = afterReading(60, () => {
    over = true;
  });
  await new Promise<void>((resolve) => afterReading(10, resolve));
  takeBack();
  await new Promise<void>((resolve) => afterReading(120, resolve));
  expect(over).toBe(false);
});
