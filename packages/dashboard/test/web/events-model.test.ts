// Events and logs as one list.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  asText,
  type Filter,
  filtered,
  joined,
  kindInWords,
  namesIn,
  timeline,
} from "../../web/pages/events/events-model.ts";
import { eventOf, logOf } from "./messages.ts";

const any: Filter = { source: "all", worker: "", run: "", key: "", text: "" };
const events = [
  eventOf(1, { at: 100, who: "worker-1" }),
  eventOf(2, { at: 500, who: "worker-1", kind: "workerLost", text: "its process ended: SIGKILL" }),
  eventOf(3, { at: 700, who: "notebook", kind: "note", text: "second try" }),
];
const logs = [
  logOf(1, "epoch 1\n", { at: 200, worker: "worker-1", key: "fit-1", run: "digits" }),
  logOf(2, "NaN loss\nat step 3\n", { at: 400, worker: "worker-2", key: "fit-2", run: "other", stream: "stderr" }),
];
const lines = timeline(events, logs);
const idsOf = (filter: Partial<Filter>): string[] => filtered(lines, { ...any, ...filter }).map(({ id }) => id);

describe("events and logs", () => {
  it("stand in the order of time", () => {
    expect(lines.map(({ id }) => id)).toEqual(["e1", "l1", "l2", "e2", "e3"]);
    expect(timeline([], logs).map(({ id }) => id)).toEqual(["l1", "l2"]);
  });

  it("are there once, whether they were asked for or came by the feed", () => {
    const numbers = fc.uniqueArray(fc.nat(60), { maxLength: 40 }).map((some) => some.sort((a, b) => a - b));
    fc.assert(
      fc.property(numbers, numbers, (earlier, live) => {
        const both = joined(
          earlier.map((seq) => ({ seq })),
          live.map((seq) => ({ seq })),
        );
        const all = [...new Set([...earlier, ...live])].sort((a, b) => a - b);
        expect(both.map(({ seq }) => seq)).toEqual(all);
      }),
    );
  });

  it("are the same objects each time, so that nothing is drawn twice", () => {
    const again = timeline(events, logs);
    expect(again.every((line, index) => line === lines[index])).toBe(true);
  });

  it("are found by worker, run, task, stream and any part of the text", () => {
    expect(idsOf({ worker: "worker-1" })).toEqual(["e1", "l1", "e2"]);
    expect(idsOf({ run: "digits" })).toEqual(["l1"]);
    expect(idsOf({ key: "fit-2" })).toEqual(["l2"]);
    expect(idsOf({ source: "events" })).toEqual(["e1", "e2", "e3"]);
    expect(idsOf({ source: "logs" })).toEqual(["l1", "l2"]);
    expect(idsOf({ source: "stderr" })).toEqual(["l2"]);
    expect(idsOf({ text: "nan LOSS" })).toEqual(["l2"]);
    expect(idsOf({ text: "sigkill", worker: "worker-1" })).toEqual(["e2"]);
    expect(idsOf({ text: "worker lost" })).toEqual(["e2"]);
    expect(idsOf({ text: "SIGKILL", source: "logs" })).toEqual([]);
  });

  it("say what is bad and what is worth a look", () => {
    expect(lines.map(({ tone }) => tone)).toEqual(["neutral", "neutral", "warning", "bad", "neutral"]);
    expect(lines.map(({ isWorker }) => isWorker)).toEqual([true, true, true, true, false]);
    const own = ["INFO worker joined", "WARN memory", "ERROR no disk"].map((text, index) =>
      logOf(index, text, { key: "", stream: "stderr" }),
    );
    expect(timeline([], own).map(({ tone }) => tone)).toEqual(["neutral", "warning", "bad"]);
    expect(kindInWords("clusterRestarted")).toBe("cluster restarted");
  });

  it("offer the names of workers and runs, clients not among them", () => {
    expect(namesIn(lines, ["worker-10"], "who")).toEqual(["worker-1", "worker-2", "worker-10"]);
    expect(namesIn(lines, [], "run")).toEqual(["digits", "other"]);
  });

  it("are text that can be pasted: a line each, what has more is indented", () => {
    expect(asText(lines.slice(2, 4), (at) => `T${at}`)).toBe(
      "T400  worker-2  stderr  fit-2  NaN loss\n    at step 3\nT500  worker-1  worker lost  its process ended: SIGKILL\n",
    );
  });
});
