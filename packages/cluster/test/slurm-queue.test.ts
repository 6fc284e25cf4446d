import { describe, expect, test } from "vitest";
import { type Look, Members } from "../src/slurm/members.ts";
import { isAlive, parseQueue, pendingSentence, type QueueRow, reasonMeaning } from "../src/slurm/queue.ts";

const printed = [
  "17|0|RUNNING|n1|None",
  "17|1|PENDING||Resources",
  "18|0|PENDING||Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions",
  "19|N/A|PENDING||Priority",
  "",
].join("\n");

function row(name: string, state: string, reason = "None"): QueueRow {
  const [, jobId = "", index = ""] = name.split("-");
  return { name, jobId, index: Number(index), state, nodes: "", reason };
}

describe("squeue", () => {
  test("lists tasks of arrays; another job is none of ours", () => {
    expect(parseQueue(printed)).toEqual([
      { name: "slurm-17-0", jobId: "17", index: 0, state: "RUNNING", nodes: "n1", reason: "None" },
      { name: "slurm-17-1", jobId: "17", index: 1, state: "PENDING", nodes: "", reason: "Resources" },
      expect.objectContaining({ name: "slurm-18-0", reason: expect.stringMatching(/^Nodes required .* partitions$/) }),
    ]);
    expect(parseQueue("")).toEqual([]);
  });

  test.each([
    ["PENDING", true],
    ["CONFIGURING", true],
    ["RUNNING", true],
    ["COMPLETING", false],
    ["NODE_FAIL", false],
    ["TIMEOUT", false],
    ["OUT_OF_MEMORY", false],
  ])("%s is alive: %s", (state, expected) => {
    expect(isAlive(row("slurm-1-0", state))).toBe(expected);
  });

  test("says in a sentence why most of them wait", () => {
    const rows = [
      row("slurm-1-0", "PENDING", "Priority"),
      row("slurm-2-0", "PENDING", "Resources"),
      row("slurm-2-1", "PENDING", "Resources"),
    ];
    expect(pendingSentence(rows)).toBe(
      "3 workers wait in Slurm's queue (job 1, 2): no node has enough free cores, memory or GPUs at the moment (Resources).",
    );
    expect(pendingSentence(rows.slice(0, 1))).toBe(
      "1 worker waits in Slurm's queue (job 1): other jobs come before it (Priority).",
    );
  });

  test.each([
    ["PartitionTimeLimit", "its walltime is longer than the partition allows"],
    ["QOSMaxJobsPerUserLimit", "a limit of the account or the user is reached"],
    ["AssocGrpGRES", "a limit of the account or the user is reached"],
    ["ReqNodeNotAvail, UnavailableNodes:n1", "nodes that it needs are down"],
    ["Nodes required for job are DOWN", "nodes that it needs are down"],
    ["BadConstraints", "no node can ever give what it asks for"],
    ["InvalidAccount", "the account or its quality of service may not run it"],
    ["JobHeldUser", "it is held"],
    ["SomethingNew", "Slurm's reason is SomethingNew"],
  ])("%s", (reason, meaning) => {
    expect(reasonMeaning(reason)).toContain(meaning);
    expect(reasonMeaning(reason)).toContain(reason);
  });
});

describe("the workers of a cluster", () => {
  const [first, second] = ["slurm-5-0", "slurm-5-1"];
  const look = (nowMs: number, parts: Partial<Look>): Look => ({
    ...{ rows: [], workers: [], askedMs: nowMs, nowMs },
    ...parts,
  });
  const running = [row(first, "RUNNING"), row(second, "RUNNING")];
  const both = [first, second].map((name) => ({ name, status: "running" as const }));

  function two(): Members {
    const members = new Members(1_000);
    members.submitted("5", 2, 100);
    return members;
  }
  const names = (list: readonly { readonly name: string }[]): string[] => list.map(({ name }) => name);

  test("what was submitted after Slurm was asked is not over because Slurm does not list it", () => {
    const members = two();
    expect(members.look(look(150, { askedMs: 90 })).ended).toEqual([]);
    expect(names(members.pending())).toEqual([first, second]);
    expect(names(members.look(look(200, {})).ended)).toEqual([first, second]);
    expect(members.staying()).toEqual([]);
  });

  test("one whose node failed is over although Slurm lists it still", () => {
    const members = two();
    members.look(look(200, { rows: running, workers: both }));
    const { ended } = members.look(
      look(300, { rows: [row(first, "NODE_FAIL"), row(second, "RUNNING")], workers: both }),
    );
    expect(ended).toMatchObject([{ name: first, joined: true, leaving: false }]);
    expect(names(members.staying())).toEqual([second]);
  });

  test("one that Slurm says runs, and that the scheduler has not seen for long, is lost", () => {
    const members = two();
    members.look(look(200, { rows: running, workers: both }));
    const cut = [{ name: first, status: "cut" as const }, both[1]!];
    expect(members.look(look(1_100, { rows: running, workers: cut })).lost).toEqual([]);
    expect(names(members.look(look(1_200, { rows: running, workers: cut })).lost)).toEqual([first]);
    expect(names(members.staying())).toEqual([second]);
  });

  test("one that runs and has not joined is not lost, however long its prologue takes", () => {
    const members = two();
    expect(members.look(look(900_000, { rows: running })).lost).toEqual([]);
    expect(members.pending()).toEqual([]);
    expect(names(members.staying())).toEqual([first, second]);
  });

  test("one that retires, because its time is over, does not count any more", () => {
    const members = two();
    members.look(look(200, { rows: running, workers: [{ name: first, status: "retiring" }, both[1]!] }));
    expect(names(members.staying())).toEqual([second]);
  });

  test("one that began to run just when it was taken out of the queue is found", () => {
    const members = two();
    members.look(look(200, { rows: [row(first, "PENDING"), row(second, "PENDING")] }));
    members.cancel([first, second]);
    const { ended, escaped } = members.look(look(300, { rows: [row(second, "RUNNING")], workers: [both[1]!] }));
    expect(ended).toMatchObject([{ name: first, leaving: true }]);
    expect(escaped).toEqual([second]);
  });
});
