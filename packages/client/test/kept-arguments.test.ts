// Which bytes of arguments stay with the client, and until when.

import type { PayloadRef, TaskNumber } from "@taskflock/protocol";
import { beforeEach, expect, test } from "vitest";
import { KeptArguments, type KeptArgumentsHost } from "../src/kept-arguments.ts";
import { TaskRecord, type TaskState } from "../src/record.ts";

const dropped: number[] = [];
const said: string[] = [];
const sent: number[] = [];
let kept: KeptArguments;
let last = 0;

beforeEach(() => {
  for (const list of [dropped, said, sent]) list.length = 0;
  last = 0;
  const host = {
    tasks: { dropHandle: ({ n }: TaskRecord) => dropped.push(n), get: () => undefined },
    uploads: { has: () => false, again: ({ n }: { n: number }) => sent.push(n) },
    shared: { lost: () => undefined },
    send: (message: { t: string; n: number }) => said.push(`${message.t} ${message.n}`),
  };
  kept = new KeptArguments(host as unknown as KeptArgumentsHost, 100);
});

const record = (): TaskRecord => new TaskRecord(++last as TaskNumber, "data", null, null);

function data(bytes: number): TaskRecord {
  const made = record();
  kept.keep(made, new Uint8Array(bytes));
  return made;
}

function task(...inputs: TaskRecord[]): TaskRecord {
  const made = record();
  kept.submitted(made, inputs);
  return made;
}

function ends(one: TaskRecord, state: TaskState, inline = false): void {
  one.state = state;
  if (inline) one.result = 1 as PayloadRef;
  kept.settled(one);
}

const ask = (n: number): void => kept.uploadTo({ t: "uploadTo", n: n as TaskNumber, task: 1 as never, holders: [] });
/** What is not needed goes when the call in progress is over. */
const callOver = (): Promise<void> => Promise.resolve();

test("bytes stay until no task needs them, and go when the last one has its outcome", async () => {
  const one = data(10);
  const [first, second] = [task(one), task(one)];
  ends(first, "done", true);
  await callOver();
  ask(1);
  expect([sent, said]).toEqual([[1], []]);
  ends(second, "failed");
  await callOver();
  expect([kept.bytes, kept.size, dropped]).toEqual([0, 0, [1]]);
  ask(1);
  expect(said).toEqual(["notKept 1"]);
});

test("a result that only workers have keeps what it was made of, and so does what was made of that", async () => {
  const one = data(10);
  const made = task(one);
  const further = task(made);
  ends(made, "done");
  kept.dropped(made);
  await callOver();
  expect(kept.size).toBe(1);
  ends(further, "done");
  await callOver();
  expect(kept.size).toBe(1);
  kept.dropped(further);
  await callOver();
  expect(kept.size).toBe(0);
});

test("what no task came of, and what came of it before it was said, keeps nothing", async () => {
  data(10);
  const failed = record();
  failed.state = "failed";
  kept.submitted(failed, [data(10)]);
  await callOver();
  expect([kept.size, kept.bytes]).toEqual([0, 0]);
});

test("above the limit what was used longest ago goes, and what is larger than that is never kept", () => {
  const [one, two] = [data(40), data(40)];
  task(one, two);
  kept.keep(one, new Uint8Array(40));
  task(data(60));
  expect([dropped, kept.bytes]).toEqual([[two.n], 100]);
  data(101);
  expect([dropped, kept.bytes, kept.mayKeep(100), kept.mayKeep(101)]).toEqual([[two.n], 100, true, false]);
});
