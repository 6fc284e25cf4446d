import { pino } from "pino";
import { expect, test } from "vitest";
import { completeOptions, type WorkerOptions } from "../src/options.ts";

const given = (more: object): WorkerOptions => ({
  ...{ address: "127.0.0.1:8786", token: "", name: "w", logger: pino({ level: "silent" }) },
  ...more,
});

test.each<[object, RegExp]>([
  [{ lifetimeMs: Number.NaN }, /lifetimeMs/],
  [{ lifetimeMs: -1 }, /lifetimeMs/],
  [{ lifetimeMs: 2 ** 31 }, /lifetimeMs.*24\.8 days/],
  [{ lifetimeStaggerMs: "5" }, /lifetimeStaggerMs/],
  [{ relay: "never" }, /relay.*"always"/],
  [{ lifetimeRestart: true }, /lifetimeRestart/],
  [{ memoryTarget: 1.5 }, /memoryTarget/],
  [{ slots: 0 }, /slots/],
])("%j is refused", (options, message) => {
  expect(() => completeOptions(given(options))).toThrowError(message);
});

test("what is left out has its default", () => {
  const options = completeOptions(given({ lifetimeMs: undefined, relay: undefined }));
  expect(options).toMatchObject({ lifetimeMs: 0, relay: "auto", nanny: false });
});
