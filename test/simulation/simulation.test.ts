import { SchedulerMachine } from "@taskflock/scheduler/machine";
import { describe, expect, test } from "vitest";
import type { AnyMessage } from "./payloads.ts";
import { type Report, simulate } from "./simulation.ts";

const SEEDS = 300;

/** Runs one seed; a failure says how to replay it. */
function run(seed: number): Report {
  try {
    return simulate(seed);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new Error(`${text}\nreplay: npm run simulate -- --seeds 1 --from ${seed}`, { cause: error });
  }
}

describe("scheduler and workers in a modelled world", () => {
  test(`${SEEDS} seeds: each future has its one right end, and nothing is left`, () => {
    const said = new Map<string, number>();
    let disturbed = 0;
    const data = { sharedValues: 0, copied: 0 };
    let restarted = 0;
    let doubled = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const report = run(seed);
      if (report.disturbed) disturbed++;
      data.sharedValues += report.sharedValues;
      data.copied += report.copied;
      if (report.restarted) restarted++;
      doubled += report.doubled;
      for (const [kind, count] of report.shell.said) said.set(kind, (said.get(kind) ?? 0) + count);
    }
    expect(disturbed).toBeGreaterThan(SEEDS / 2);
    expect(SEEDS - disturbed).toBeGreaterThan(SEEDS / 10);
    expect(restarted).toBeGreaterThan(SEEDS / 30);
    expect(doubled).toBeGreaterThan(SEEDS / 10);
    expect(data.sharedValues).toBeGreaterThan(SEEDS / 10);
    expect(data.copied).toBeGreaterThan(SEEDS / 10);
    // runs in which some kind of message never occurs would prove little
    const seldom = messageKinds.filter((kind) => (said.get(kind) ?? 0) < 5);
    expect(seldom).toEqual([]);
  });

  test("the same seed is the same run", () => {
    for (const seed of [3, 14, 15, 92, 65]) expect(run(seed).digest).toBe(run(seed).digest);
    expect(run(3).digest).not.toBe(run(4).digest);
  });

  test("a recording, stepped through a fresh machine, ends in the same state", () => {
    for (const seed of [5, 8, 13, 21, 34, 55]) {
      const { shell, config } = run(seed);
      const nothing = (): void => {};
      const port = { toWorker: nothing, toClient: nothing, wakeAt: nothing, free: nothing, closeWorker: nothing };
      const again = new SchedulerMachine(config, port);
      for (const event of shell.recording) again.step(event);
      expect(again.digest()).toBe(shell.machine.digest());
    }
  });

  test.each([...messageLosses()])("a world that loses %s is found out", (_, isLost) => {
    let found = 0;
    for (let seed = 1; seed <= 40 && found === 0; seed++) {
      let count = 0;
      try {
        simulate(seed, { tamper: (message) => isLost(message) && ++count % 3 === 0 });
      } catch {
        found++;
      }
    }
    expect(found).toBeGreaterThan(0);
  });
});

function* messageLosses(): Iterable<[string, (message: AnyMessage) => boolean]> {
  for (const kind of [
    "assign",
    "drop",
    "finished",
    "errored",
    "done",
    "failed",
    "forgetFunction",
    "located",
    "held",
    "credit",
  ])
    yield [`"${kind}"`, (message) => message.t === kind];
  yield ["a stop of a task that runs on", (message) => message.t === "stop" && message.why === "cancelled"];
}

const messageKinds: readonly string[] = [
  "function",
  "options",
  "openRun",
  "submit",
  "scatter",
  "release",
  "cancel",
  "locate",
  "unavailable, gone",
  "unavailable, unreachable",
  "ask",
  "goodbye",
  "done",
  "failed",
  "cancelled",
  "located",
  "uploadTo",
  "answer",
  "runProgress",
  "credit",
  "notice",
  "forgetFunction",
  "assign",
  "drop",
  "stop",
  "acquire",
  "expect",
  "retire",
  "leave",
  "configure",
  "equip",
  "unequip",
  "equipped",
  "started",
  "finished",
  "errored",
  "stopped",
  "actorEnded",
  "held",
  "notHeld",
  "missing, gone",
  "missing, unreachable",
  "missing, relay",
  "wantsToRetire",
  "pausing",
  "spoiled",
  "snapshotPart",
  "snapshot",
];
