// Copies that people ask for: more of them (`replicate`), or elsewhere (`rebalance`). By request and confirmation: the receiver is asked
// to get a copy, and only when it says that it has one does the sender drop its own.

import type { Move, Moves, RefusedMove, SessionId } from "@taskflock/protocol/words";
import { answer } from "./answers.ts";
import type { Core } from "./core.ts";
import { dropCopy, holdersFor } from "./holdings.ts";
import { takesTasks } from "./lanes.ts";
import type { Task } from "./records.ts";
import { keyOf } from "./references.ts";
import type { Worker } from "./worker-record.ts";

/** As many moves and refusals as an answer lists. */
const LISTED = 1000;

/** One request of a client's. */
export interface Errand {
  readonly session: SessionId;
  readonly id: number;
  readonly what: "replicate" | "rebalance";
  /** Copies under way. */
  waiting: number;
  count: number;
  bytes: number;
  readonly moves: Move[];
  refusedCount: number;
  readonly refused: RefusedMove[];
}

/** A copy under way. */
export interface Transfer {
  readonly task: Task;
  readonly key: string;
  readonly target: Worker;
  /** Lets go of its copy then; null: it is one more. */
  readonly source: Worker | null;
  readonly errand: Errand;
}

export function newErrand(session: SessionId, id: number, what: Errand["what"]): Errand {
  return { session, id, what, waiting: 0, count: 0, bytes: 0, moves: [], refusedCount: 0, refused: [] };
}

/** True when the question is asked again after a cut, and its errand is still under way. */
export function isUnderWay(core: Core, session: SessionId, id: number): boolean {
  for (const transfers of core.transfers.values()) {
    for (const { errand } of transfers) if (errand.session === session && errand.id === id) return true;
  }
  return false;
}

/** The result is stored at workers, and is to have a copy at `target`, which has none. */
export function beginTransfer(core: Core, errand: Errand, task: Task, target: Worker, source: Worker | null): void {
  const transfer = { task, key: keyOf(task), target, source, errand };
  const known = core.transfers.get(task);
  if (known === undefined) core.transfers.set(task, [transfer]);
  else known.push(transfer);
  errand.waiting++;
  core.send(target, {
    t: "acquire",
    task: task.id,
    bytes: task.bytes,
    holders: holdersFor(core, task, target, 0, source),
  });
}

/** A copy is at that worker. */
export function transferArrived(core: Core, task: Task, worker: Worker): void {
  if (core.transfers.size === 0) return;
  for (const { key, source, errand } of take(core, task, (t) => t.target === worker)) {
    const from = source?.holds.has(task) === true && task.holders.length > 1 ? source : null;
    if (from !== null) dropCopy(core, task, from);
    errand.waiting--;
    errand.count++;
    errand.bytes += task.bytes;
    if (errand.moves.length < LISTED) {
      errand.moves.push({ key, bytes: task.bytes, from: from?.name ?? null, to: worker.name });
    }
    conclude(core, errand);
  }
}

/** The worker that was to take a copy has no room, or could not get it. */
export function transferRefused(core: Core, task: Task, worker: Worker, why: string): void {
  if (core.transfers.size === 0) return;
  for (const transfer of take(core, task, (t) => t.target === worker)) refuse(core, transfer, why);
}

/** Workers came or went. */
export function reconsiderTransfers(core: Core): void {
  for (const task of [...core.transfers.keys()]) {
    const gone = take(core, task, ({ target }) => !takesTasks(target) || !core.workers.has(target.id));
    for (const transfer of gone) refuse(core, transfer, "it left, is paused, or its link was cut");
  }
}

/** Their copies are gone everywhere: dropped, or lost. */
export function endStranded(core: Core): void {
  for (const task of core.stranded.splice(0)) {
    for (const transfer of take(core, task, () => true)) refuse(core, transfer, "the result is not stored any more");
  }
}

/** Answers when nothing of it is under way. */
export function conclude(core: Core, errand: Errand): void {
  if (errand.waiting > 0) return;
  const session = core.sessions.get(errand.session);
  const { count, bytes, moves, refusedCount, refused, what } = errand;
  if (count + refusedCount > 0) {
    const failed = refusedCount === 0 ? "" : `, ${refusedCount} not (${refused[0]?.why.slice(0, 200)})`;
    core.happened("copied", session?.name ?? "", `${what}: ${count} results, ${bytes} bytes${failed}`);
  }
  if (session === undefined || session.isOrphan) return;
  const value: Moves = { count, bytes, moves, refusedCount, refused };
  const said = core.kept.remember(session.id, errand.id, { value, error: null });
  answer(core, session, errand.id, () => said);
}

function refuse(core: Core, { key, target, errand }: Transfer, why: string): void {
  errand.waiting--;
  errand.refusedCount++;
  if (errand.refused.length < LISTED) errand.refused.push({ key, to: target.name, why: why.slice(0, 500) });
  conclude(core, errand);
}

/** Takes those that are over out of the table. */
function take(core: Core, task: Task, isOver: (transfer: Transfer) => boolean): Transfer[] {
  const transfers = core.transfers.get(task);
  if (transfers === undefined) return [];
  const over = transfers.filter(isOver);
  if (over.length === transfers.length) core.transfers.delete(task);
  else if (over.length > 0)
    core.transfers.set(
      task,
      transfers.filter((t) => !isOver(t)),
    );
  return over;
}
