// Finding a task by what people call it: a shared key, or `name-session-number`. Tasks of all clients, also those whose futures were released
// while others need them.

import type { SessionId, TaskNumber } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import type { QuestionAnswer, Task } from "./records.ts";
import { keyOf } from "./references.ts";

/** Tasks looked at one by one, for a key that no table has; and shared keys compared with one that nobody has. */
const TASKS_LOOKED_AT = 100_000;
const KEYS_COMPARED = 5_000;
const NAMED = 5;

/** The task, or what to answer instead. */
export function findByKey(core: Core, key: string): Task | QuestionAnswer {
  const shared = core.keys.get(key);
  if (shared !== undefined) return shared;
  const parts = /^(.*)-(\d+)-(\d+)$/s.exec(key);
  const name = parts?.[1] ?? key;
  const [session, n] = [Number(parts?.[2]) as SessionId, Number(parts?.[3]) as TaskNumber];
  const told = core.sessions.get(session)?.tasks.get(n);
  if (told !== undefined && (told.name === name || keyOf(told) === key)) return told;
  const near = told === undefined ? [] : [keyOf(told)];
  for (let i = 0; i < core.slots.length && i < TASKS_LOOKED_AT; i++) {
    const task = core.slots[i] ?? null;
    if (task === null) continue;
    if (task.key === null ? task.n === n && keyOf(task) === key : task.key === key) return task;
    if (near.length < NAMED && task.name === name) near.push(keyOf(task));
  }
  return unknown(core, key, near);
}

function unknown(core: Core, key: string, near: string[]): QuestionAnswer {
  let compared = 0;
  for (const other of core.keys.keys()) {
    if (near.length >= NAMED || compared++ >= KEYS_COMPARED) break;
    if (isNear(key, other)) near.push(other);
  }
  const names = [...new Set(near)].map((other) => JSON.stringify(other.slice(0, 200))).join(", ");
  const hint =
    names === "" ? "A key is what was given as `key`, or NAME-SESSION-NUMBER, such as fit-3-17." : `Near it: ${names}.`;
  const looked =
    core.slots.length > TASKS_LOOKED_AT
      ? `Of tasks whose futures were released, while others need them, ${TASKS_LOOKED_AT} were looked at.`
      : "Tasks whose futures were all released are forgotten.";
  const message = `No task has the key ${JSON.stringify(key.slice(0, 200))}. ${hint} ${looked}`;
  return { value: null, error: { code: "FLOCK_TASK_UNKNOWN", message } };
}

/** One stands in the other, or two characters are different. */
function isNear(a: string, b: string): boolean {
  const [x, y] = [a.toLowerCase().slice(0, 100), b.toLowerCase().slice(0, 100)];
  if (x.length > 2 && y.length > 2 && (x.includes(y) || y.includes(x))) return true;
  return Math.abs(x.length - y.length) <= 2 && x.length > 3 && distance(x, y) <= 2;
}

/** Insertions, removals and replacements from one to the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let k = 1; k <= b.length; k++) {
      const replaced = row[k - 1]! + (a[i - 1] === b[k - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[k]! + 1, next[k - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
