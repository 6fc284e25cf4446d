// What the scheduler says. A message that is late, or comes twice, changes nothing.

import type {
  Acquire,
  Drop,
  Expect,
  FunctionId,
  PayloadRef,
  SchedulerToWorker,
  SendFunction,
  StopTask,
  TellTask,
} from "@taskflock/protocol/words";
import { freeAssign, lose, stopInSlot, stopQueued, takeOn } from "./attempts.ts";
import { seekElsewhere, seekFrom, stopSeeking, tidy } from "./data.ts";
import { onEquip, onUnequip } from "./equipment.ts";
import { leave } from "./link.ts";
import type { Datum } from "./records.ts";
import { newDatum } from "./records.ts";
import type { WorkerState } from "./state.ts";

export function onMessage(s: WorkerState, message: SchedulerToWorker): void {
  if (s.left) {
    discard(s, message);
    return;
  }
  switch (message.t) {
    case "assign":
      takeOn(s, message);
      return;
    case "stop":
      onStop(s, message);
      return;
    case "drop":
      onDrop(s, message);
      return;
    case "acquire":
      onAcquire(s, message);
      return;
    case "expect":
      onExpect(s, message);
      return;
    case "function":
      onFunction(s, message);
      return;
    case "forgetFunction":
      forget(s, message.fn);
      return;
    case "configure":
      s.port.configure(message.inlineLimitBytes);
      return;
    case "relay":
      s.port.serveRelay(message.key);
      return;
    case "profile":
      s.port.profile(message.intervalUs);
      return;
    case "equip":
      onEquip(s, message);
      return;
    case "unequip":
      onUnequip(s, message);
      return;
    case "tell":
      onTell(s, message);
      return;
    case "retire":
      onRetire(s);
      return;
    case "leave":
      leave(s, message.restart);
      return;
  }
}

function discard(s: WorkerState, message: SchedulerToWorker): void {
  if (message.t === "assign") freeAssign(s, message);
  else if (message.t === "function") s.free(message.code);
  else if (message.t === "equip" || message.t === "tell") s.free(message.data);
}

/** What was stolen and runs already is declined by silence: its outcome follows. */
function onStop(s: WorkerState, message: StopTask): void {
  const task = s.tasks.get(message.task);
  if (task === undefined || task.assign.attempt !== message.attempt) return;
  if (task.slot < 0) stopQueued(s, task, message.why);
  else if (message.why === "cancelled") stopInSlot(s, task, "cancelled");
}

function onDrop(s: WorkerState, message: Drop): void {
  const datum = s.data.get(message.task);
  if (datum === undefined) return;
  datum.acquire = false;
  if (datum.state === "stored") {
    datum.dropping = true;
    datum.version = 0;
  } else if (datum.state === "expected") {
    s.port.dropStored(datum.task);
    datum.state = "promised";
    if (!seekElsewhere(s, datum)) lose(s, datum, "input");
  }
  tidy(s, datum);
}

function onAcquire(s: WorkerState, message: Acquire): void {
  const datum = s.data.get(message.task) ?? add(s, newDatum(message.task, "promised", message.bytes));
  if (datum.state === "stored") {
    sayHeldAgain(s, datum);
    return;
  }
  if (datum.state === "inline") {
    sayNotHeld(s, datum, "it is here only for attempts that read it");
    return;
  }
  if (datum.state !== "expected") {
    datum.acquire = true;
    seekFrom(s, datum, message.holders, datum.order);
    if (datum.state === "promised") {
      datum.acquire = false;
      sayNotHeld(s, datum, "no holder was named");
    }
  }
  tidy(s, datum);
}

function onExpect(s: WorkerState, message: Expect): void {
  const datum = s.data.get(message.task) ?? add(s, newDatum(message.task, "promised", message.bytes));
  if (datum.state === "stored") {
    sayHeldAgain(s, datum);
    return;
  }
  if (datum.state === "expected") return;
  if (datum.state === "inline") {
    sayNotHeld(s, datum, "it is a task's result");
    return;
  }
  stopSeeking(s, datum);
  datum.state = "expected";
  s.port.expectUpload(datum.task, message.bytes);
}

function add(s: WorkerState, datum: Datum): Datum {
  s.data.set(datum.task, datum);
  return datum;
}

function sayHeldAgain(s: WorkerState, datum: Datum): void {
  datum.dropping = false;
  if (datum.version === 0) datum.version = ++s.version;
  s.send({ t: "held", task: datum.task, bytes: datum.bytes, version: datum.version });
}

function sayNotHeld(s: WorkerState, datum: Datum, message: string): void {
  s.send({ t: "notHeld", task: datum.task, message, code: null });
}

function onFunction(s: WorkerState, message: SendFunction): void {
  if (s.functions.has(message.fn)) {
    s.free(message.code);
    return;
  }
  s.functions.set(message.fn, message.code);
  s.port.defineFunction(message);
}

export function forget(s: WorkerState, fn: FunctionId): void {
  const code: PayloadRef | undefined = s.functions.get(fn);
  if (code === undefined) return;
  s.functions.delete(fn);
  s.large.delete(fn);
  s.port.forgetFunction(fn);
  s.free(code);
}

/** Code that has not begun, or has ended, hears nothing. */
function onTell(s: WorkerState, { task: id, attempt, data }: TellTask): void {
  const task = s.tasks.get(id);
  if (task !== undefined && task.assign.attempt === attempt && task.slot >= 0)
    s.port.tell(task.slot, id, attempt, data);
  s.free(data);
}

function onRetire(s: WorkerState): void {
  if (!s.retiring) s.port.retiring(true);
  s.retiring = true;
  for (const task of [...s.tasks.values()]) if (task.slot < 0) stopQueued(s, task, "retiring");
}
