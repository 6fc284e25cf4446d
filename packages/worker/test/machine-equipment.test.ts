// Plugins and files that the scheduler sends: handed to the shell in order, each part once.

import type { Equip, SchedulerToWorker } from "@taskflock/protocol/words";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MachineBench } from "./machine-bench.ts";

let bench: MachineBench;
beforeEach(() => {
  bench = new MachineBench();
  bench.take();
});
afterEach(() => expect(bench.leftOver()).toEqual([]));

const equip = (gear: number, part = 0, parts = 1): Equip => ({
  ...{ t: "equip", gear, kind: parts === 1 ? "plugin" : "file", name: "x", functions: [] },
  ...{ part, parts, data: bench.payload(), dataBytes: 3 },
});
const unequip = (gear: number): SchedulerToWorker => ({ t: "unequip", gear });
function equipped(gear: number, part = 0, why: string | null = null): void {
  const failure = why === null ? null : { name: "Error", message: why, stack: "" };
  bench.event({ e: "equipped", gear, part, slots: 2, failure });
}
function heldParts(): string[] {
  const { equipment } = bench.machine.snapshot();
  return equipment.map(({ gear, parts }) => `${gear}: ${parts}`);
}

test("a plugin is taken in before the tasks that follow, and told when it is there", () => {
  bench.say(equip(1), bench.assign(7));
  expect(bench.take()).toEqual(["equip 1.0", "run 0: 7", "> started 7.1"]);
  equipped(1);
  expect(bench.sent.at(-1)).toEqual({ t: "equipped", gear: 1, part: 0, slots: 2, failure: null });
  bench.finish(0, 1);
});

test("parts come in order, each once; what is here stands in the snapshot", () => {
  bench.say(equip(1, 0, 3), equip(1, 0, 3), equip(1, 2, 3));
  expect(bench.take()).toEqual(["equip 1.0"]);
  expect(heldParts()).toEqual(["1: 1"]);
  equipped(1, 0);
  bench.say(equip(1, 1, 3));
  expect(heldParts()).toEqual(["1: 2"]);
});

test("one that failed takes no more parts, and may fail again in a slot that begins later", () => {
  bench.say(equip(1, 0, 3));
  equipped(1, 0, "ENOSPC");
  bench.say(equip(1, 1, 3));
  expect(heldParts()).toEqual(["1: 3"]);
  expect(bench.take().filter((call) => call.startsWith("equip"))).toEqual(["equip 1.0"]);
  equipped(1, 0, "again");
  expect(bench.sent.at(-1)).toMatchObject({ t: "equipped", failure: { message: "again" } });
});

test("one that is taken back is over at once: what the shell says of it later is said to nobody", () => {
  bench.say(equip(1), unequip(1), unequip(1));
  expect(bench.take()).toEqual(["equip 1.0", "unequip 1"]);
  const sent = bench.sent.length;
  equipped(1);
  expect(bench.sent.length).toBe(sent);
  expect(heldParts()).toEqual([]);
});

test("a link that was cut leaves them; a scheduler that knows nothing of them gets none", () => {
  bench.say(equip(1), equip(2));
  bench.take();
  bench.event({ e: "linkDown" });
  bench.event({ e: "linkUp", fresh: false, inlineLimitBytes: 4096, snapshotPending: false });
  expect(bench.sent.at(-1)).toMatchObject({ t: "snapshot", equipment: [{ gear: 1 }, { gear: 2 }] });
  expect(bench.take().filter((call) => call.includes("equip "))).toEqual([]);
  bench.event({ e: "linkUp", fresh: true, inlineLimitBytes: 4096, snapshotPending: false });
  expect(bench.take().filter((call) => call.includes("equip "))).toEqual(["unequip 2", "unequip 1"]);
  expect(bench.sent.at(-1)).toMatchObject({ t: "snapshot", equipment: [] });
});
