// How many fetches run at once, and from whom.

import type { TaskId } from "@taskflock/protocol/words";
import { afterEach, beforeEach, expect, test } from "vitest";
import { from, holder, MachineBench } from "./machine-bench.ts";

let bench: MachineBench;
beforeEach(() => {
  bench = new MachineBench({ maxFetches: 5, maxFetchesPerHolder: 2, maxFetchBytes: 10_000 });
  bench.event({ e: "linkUp", fresh: true, inlineLimitBytes: 100, snapshotPending: false });
  bench.take();
});
afterEach(() => expect(bench.leftOver()).toEqual([]));

const input = (task: number, bytes: number, ...workers: number[]) => ({ ...from(task, ...workers), bytes });

function arrived(task: number, bytes = 1000): void {
  bench.fetches.delete(task as TaskId);
  bench.stored.set(task as TaskId, bytes);
  bench.event({ e: "fetched", task: task as TaskId, bytes });
}

function failed(task: number, at: ReturnType<typeof holder>, why: "gone" | "unreachable"): void {
  bench.fetches.delete(task as TaskId);
  bench.event({ e: "fetchFailed", task: task as TaskId, holder: at, full: false, why });
}

const fetches = (): string[] => bench.take().filter((call) => call.startsWith("fetch"));

/** All attempts are stopped, so that nothing is left. */
function stopAll(...tasks: number[]): void {
  for (const task of tasks) bench.say({ t: "stop", task: task as TaskId, attempt: 1 as never, why: "cancelled" });
  bench.take();
}

test("so many from one holder; others pass those that wait for it, in their order", () => {
  bench.say(
    ...[11, 12, 13, 14].map((task, i) => bench.assign(i + 1, { order: i + 1, inputs: [input(task, 100, 3)] })),
    bench.assign(5, { order: 5, inputs: [input(15, 100, 4)] }),
  );
  expect(fetches()).toEqual(["fetch 11 from 3", "fetch 12 from 3", "fetch 15 from 4"]);
  failed(11, holder(3), "gone");
  expect(fetches()).toEqual(["fetch 13 from 3"]);
  stopAll(2, 3, 4, 5);
});

test("a busy holder is passed over for another that has the bytes, too", () => {
  bench.say(...[11, 12, 13].map((task, i) => bench.assign(i + 1, { order: i + 1, inputs: [input(task, 100, 3, 4)] })));
  expect(fetches()).toEqual(["fetch 11 from 3", "fetch 12 from 3", "fetch 13 from 4"]);
  failed(13, holder(4), "gone");
  expect(fetches()).toEqual([]); // the other holder is busy
  failed(11, holder(3), "gone");
  expect(fetches()).toEqual(["fetch 11 from 4", "fetch 13 from 3"]);
  stopAll(1, 2, 3);
});

test("so many bytes at once; what is larger than all goes alone, and is not passed by smaller ones", () => {
  bench.say(
    bench.assign(1, { order: 1, inputs: [input(11, 6000, 3)] }),
    bench.assign(2, { order: 2, inputs: [input(12, 50_000, 4)] }),
    bench.assign(3, { order: 3, inputs: [input(13, 100, 5)] }),
  );
  expect(fetches()).toEqual(["fetch 11 from 3"]);
  failed(11, holder(3), "gone");
  expect(fetches()).toEqual(["fetch 12 from 4"]);
  failed(12, holder(4), "gone");
  expect(fetches()).toEqual(["fetch 13 from 5"]);
  stopAll(3);
});

test("the same holder by another address is tried, too, and what is said of it says why", () => {
  const relayed = { ...holder(3), address: "relay:key3" };
  bench.say(bench.assign(1, { inputs: [input(11, 100, 3)] }));
  bench.say(bench.assign(2, { inputs: [{ ...input(11, 100), holders: [relayed] }] }));
  expect(fetches()).toEqual(["fetch 11 from 3"]);
  failed(11, holder(3), "unreachable");
  expect(fetches()).toEqual(["fetch 11 from 3"]);
  expect(bench.fetches.get(11 as TaskId)).toEqual(relayed);
  expect(bench.sent.filter(({ t }) => t === "missing")).toEqual([
    { t: "missing", task: 11, holder: 3, version: 1, why: "unreachable" },
  ]);
  arrived(11);
  expect(bench.takeSent()).toContain("held 11 v1");
  bench.finish(0, 1);
  bench.finish(0, 1);
  bench.say({ t: "drop", task: 11 as TaskId });
  bench.take();
});

test("a relay is the shell's to serve", () => {
  bench.say({ t: "relay", key: "k" });
  expect(bench.take()).toEqual(["relay k"]);
});
