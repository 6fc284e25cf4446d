import type { Question } from "@taskflock/protocol/words";
import { SchedulerMachine } from "@taskflock/scheduler/machine";
import { describe, expect, test } from "vitest";
import { faultKinds } from "./faults.ts";
import type { AnyMessage } from "./payloads.ts";
import { drawScenario } from "./scenario.ts";
import { shrink } from "./shrink.ts";
import { type Report, type SimulationOptions, simulate } from "./simulation.ts";

const SEEDS = 1_000;

/** Runs one seed; a failure says how to replay it, and how to make it small. */
function run(seed: number): Report {
  try {
    return simulate(seed);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const replay = `npm run simulate -- --seeds 1 --from ${seed}`;
    throw new Error(`${text}\nreplay: ${replay}\nmake it small: ${replay} --shrink`, { cause: error });
  }
}

function add(counts: Map<string, number>, more: Iterable<readonly [string, number]>): void {
  for (const [kind, count] of more) counts.set(kind, (counts.get(kind) ?? 0) + count);
}

describe("scheduler and workers in a modelled world", () => {
  test(`${SEEDS} seeds: each future has its one right end, and nothing is left`, { timeout: 600_000 }, () => {
    const said = new Map<string, number>();
    const seen = new Map<string, number>();
    let disturbed = 0;
    let doubled = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const report = run(seed);
      if (report.disturbed) disturbed++;
      doubled += report.doubled;
      add(said, report.shell.said);
      add(seen, Object.entries(report.seen));
    }
    expect(disturbed).toBeGreaterThan(SEEDS / 2);
    expect(SEEDS - disturbed).toBeGreaterThan(SEEDS / 10);
    expect(doubled).toBeGreaterThan(SEEDS / 10);
    // runs in which some kind of message, fault or feature never occurs would prove little
    expect(messageKinds.filter((kind) => (said.get(kind) ?? 0) < 20)).toEqual([]);
    const wanted = [...happenings, ...questions.map((q) => `ask ${q}`), ...faultKinds.map((kind) => `fault ${kind}`)];
    expect(wanted.filter((kind) => (seen.get(kind) ?? 0) < 20)).toEqual([]);
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

  test("a failing run is made small, and fails in the same way", () => {
    const options = { tamper: ({ t }: AnyMessage) => t === "held" };
    const failing = seedThatFails(options);
    const small = shrink(failing, options);
    expect(small?.message).toMatch(/^seed \d+, at/);
    const { clients, workers, faults, errands } = drawScenario(failing);
    const tasks = new Set(clients.flatMap(({ bursts }) => bursts.flatMap((burst) => burst.tasks.map((t) => t.spec))));
    const before = clients.length + workers.length + faults.length + errands.length + tasks.size;
    expect(small?.parts.length).toBeLessThan(before / 3);
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

function seedThatFails(options: SimulationOptions): number {
  for (let seed = 1; seed <= 40; seed++) {
    try {
      simulate(seed, options);
    } catch {
      return seed;
    }
  }
  throw new Error("no seed fails");
}

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

/** What is to have happened, beside messages: counted by the model, and in the scheduler's event log. */
const happenings: readonly string[] = [
  "doubleConnections",
  "returnedWorkers",
  "lostMidway",
  "sharedValues",
  "attachedValues",
  "locked",
  "taken",
  "woken",
  "read",
  "event actorCreated",
  "event actorLost",
  "event cancelled",
  "event clientGone",
  "event clusterRestarted",
  "event copied",
  "event dataAsked",
  "event leaseFreed",
  "event note",
  "event published",
  "event relayed",
  "event runDetached",
  "event runForgotten",
  "event scaleDown",
  "event scaleUp",
  "event speculation",
  "event straggler",
  "event unpublished",
  "event workerBack",
  "event workerCut",
  "event workerLeft",
  "event workerLost",
  "event workerPaused",
  "event workerRestarting",
  "event workerResumed",
  "event workerRetiring",
];

/** What is to have been asked, and answered without an error. */
const questions: readonly Question["q"][] = [
  "cluster",
  "story",
  "storyOfKey",
  "why",
  "whyKey",
  "retire",
  "waitForWorkers",
  "waitForNamed",
  "call",
  "inputs",
  "actor",
  "publish",
  "dataset",
  "referToDataset",
  "unpublish",
  "datasets",
  "fireAndForget",
  "replicate",
  "rebalance",
  "whoHas",
  "hasWhat",
  "scale",
  "retireIdle",
  "scaledUp",
  "restart",
  "restartWorkers",
  "ping",
  "attach",
  "attachTasks",
  "forgetRun",
  "events",
  "logs",
  "note",
  "startProfile",
  "takeProfile",
  "dump",
  "hearReports",
  "tellTask",
  "pageOverview",
  "pageWorkers",
  "pageWorker",
  "pageGone",
  "pageSpans",
  "pageTasks",
  "pageTask",
  "pageFunction",
  "pageGraph",
  "pageTransfers",
  "pageDetails",
  "pageFailures",
  "pageCancel",
  "pagePlaces",
  "tellPlaces",
];

const messageKinds: readonly string[] = [
  "function",
  "options",
  "openRun",
  "runDetails",
  "submit",
  "scatter",
  "notKept",
  "release",
  "cancel",
  "locate",
  "log",
  "profiled",
  "report",
  "tell",
  "profile",
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
  "placesWanted",
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
  "moved",
  "wantsToRetire",
  "pausing",
  "spoiled",
  "snapshotPart",
  "snapshot",
];
