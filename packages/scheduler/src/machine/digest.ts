// The whole state in sixteen hexadecimal digits, to compare two machines that saw the same events.

import type { Core } from "./core.ts";
import type { FunctionRecord, Task } from "./records.ts";
import { type SharedTable, sizeOf } from "./shared-objects.ts";

export function digestOf(core: Core): string {
  const hash = new Hash();
  for (const task of core.slots) if (task !== null) addTask(hash, task);
  for (const session of core.sessions.values()) {
    hash.add(
      `session ${session.id} ${session.link} ${session.due.size} ${session.locates.size} ${session.uploads.size} ${session.hears.size} ${session.told.size} ${session.unreached?.size}`,
    );
    hash.add(`${session.unfinishedBytes} ${session.creditedBytes} ${session.uncreditedBytes}`);
    for (const [n, task] of session.tasks) hash.add(`${n} ${task.id}`);
  }
  for (const [session, said] of core.kept.said) for (const { id } of said) hash.add(`said ${session} ${id}`);
  for (const [n, task] of core.kept.session.tasks) hash.add(`kept ${n} ${task.id} ${core.kept.fired.has(n)}`);
  hash.add(`${core.kept.lastNumber} ${core.kept.bytes}`);
  for (const d of core.kept.datasets.values()) hash.add(`dataset ${d.name} ${d.version} ${d.data} ${d.results.join()}`);
  for (const [task, transfers] of core.transfers) {
    for (const { target, source, errand } of transfers) {
      hash.add(`transfer ${task.id} ${source?.id} ${target.id} ${errand.session} ${errand.id} ${errand.waiting}`);
    }
  }
  for (const w of core.workers.values()) {
    hash.add(
      `worker ${w.id} ${w.up} ${w.status} ${w.restart} ${w.paused} ${w.running} ${w.ahead} ${w.load} ${w.storedBytes} ${w.finished} ${w.joinedAt} ${w.heardAt} ${w.unreached?.size}`,
    );
    for (const task of w.assigned) hash.add(`${task.id}`);
    for (const [name, amount] of w.free) hash.add(`${name} ${amount}`);
    if (w.savedFor !== null) hash.add(`saved ${w.savedFor.lane.key} ${w.savedFor.priority}`);
  }
  for (const r of core.runs) {
    hash.add(
      `run ${r.id} ${r.status} ${r.stepsDone} ${r.spentUs} ${r.total} ${r.done} ${r.failed} ${r.cancelled} ${r.running} ${r.startedAt} ${r.endedAt}`,
    );
  }
  for (const [task, { worker, flying, lines }] of core.actors) {
    hash.add(`actor ${task.id} ${worker?.id} ${[...flying].map((t) => t.id)}`);
    for (const [session, { calls, behind }] of lines) hash.add(`${session.id} ${calls.length} ${behind?.id}`);
  }
  for (const f of core.functions.values())
    hash.add(`function ${f.id} ${f.hash} ${f.uses} ${f.durationUs} ${f.durations.median()} ${tallyOf(f)}`);
  hash.add(
    `spans ${core.spans.digest()} ${core.gone.size} ${core.pastRuns.size} moved ${core.moved.digest()} ${core.begun.size} ${core.failures.digest()} ${core.pastEdges.total}`,
  );
  hash.add(`remembered ${core.remembered.digest()}`);
  for (const task of core.failedCalls) hash.add(`call ${task.id} ${task.argsBytes}`);
  addEquipment(hash, core);
  addShared(hash, core.shared);
  hash.add(`places ${core.places.size} details ${core.details.last} ${core.details.size} ${core.details.units}`);
  hash.add(`${core.waiters.length} ${core.returning.length} ${core.watchers.length}`);
  hash.add(
    `${core.seq} ${core.ended} ${core.lastOrder} ${core.inlineBytes} ${core.limited} ${core.story.total} ${core.timers.size}`,
  );
  for (const [task, since] of core.copied) hash.add(`copied ${task} ${since}`);
  for (const { task, attempt, since } of core.watched) hash.add(`watched ${task} ${attempt} ${since}`);
  return hash.text();
}

function tallyOf({ counts, done, failed, cancelled, lastEnded }: FunctionRecord): string {
  return `${counts.join()} ${done} ${failed} ${cancelled} ${lastEnded}`;
}

function addEquipment(hash: Hash, { equipment, workers }: Core): void {
  for (const { id, kind, name, bytes, errand } of equipment.gear.values()) {
    hash.add(`equipment ${id} ${kind} ${name} ${bytes} ${errand?.session} ${errand?.id} ${errand?.waiting.size}`);
  }
  for (const [session, drafts] of equipment.drafts) hash.add(`drafts ${session} ${[...drafts.keys()]}`);
  for (const w of workers.values()) for (const [id, taken] of w.gear) hash.add(`has ${w.id} ${id} ${taken}`);
  hash.add(`${equipment.last} ${equipment.bytes}`);
}

function addShared(hash: Hash, shared: SharedTable): void {
  for (const [key, object] of shared.objects) {
    hash.add(`shared ${key} ${sizeOf(object)}`);
    for (const { session, id, want } of object.waiting) hash.add(`${session.id} ${id} ${want.what}`);
  }
  for (const [id, share] of shared.shares) hash.add(`share ${id} ${share.kept.size} ${share.leases.size}`);
  hash.add(`${shared.bytes} ${shared.timed} ${shared.deadlines.size}`);
}

function addTask(hash: Hash, t: Task): void {
  hash.add(
    `task ${t.id} ${t.state} ${t.flags} ${t.attempt} ${t.order} ${t.refs} ${t.needed} ${t.waitingOn} ${t.bytes}`,
  );
  hash.add(`${t.key} ${t.args} ${t.result} ${t.worker?.id} ${t.thief?.id} ${t.outcome?.kind} ${t.deps.length}`);
  for (const { worker, version } of t.holders) hash.add(`${worker.id} ${version}`);
  const second = t.uncommon?.second ?? null;
  if (second !== null) hash.add(`second ${second.worker.id} ${second.attempt} ${second.running}`);
  if (t.uncommon !== null) hash.add(`${t.uncommon.deadline?.at} ${t.uncommon.stranded?.at}`);
  if (t.upload !== null) hash.add(`upload ${t.upload.again} ${t.upload.rounds} ${t.upload.timer?.at}`);
  if (t.troubles !== null) hash.add(`${t.troubles.retries} ${t.troubles.failures} ${t.troubles.suspicions}`);
}

/** Two 32-bit multiplicative hashes side by side. */
class Hash {
  #a = 0x811c9dc5;
  #b = 0x9e3779b9;

  add(text: string): void {
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      this.#a = Math.imul(this.#a ^ unit, 0x01000193);
      this.#b = Math.imul(this.#b + unit, 0x85ebca6b) ^ (this.#b >>> 15);
    }
    this.#a = Math.imul(this.#a ^ 10, 0x01000193);
  }

  text(): string {
    return [this.#a, this.#b].map((n) => (n >>> 0).toString(16).padStart(8, "0")).join("");
  }
}
