import type { Snapshot, StoryLine, TaskId } from "@taskflock/protocol/words";
import { FlockError } from "@taskflock/protocol/words";
import { fillActors, isStray } from "./actors.ts";
import { lose, settleLost, stopInSlot } from "./attempts.ts";
import { becameStored, fetchEnded, saySpoiled, seekElsewhere, startFetches } from "./data.ts";
import { fillDevices } from "./devices.ts";
import { onEquipped } from "./equipment.ts";
import { checkEverything, checkTouched } from "./invariants.ts";
import { onLinkUp, onPausing, onRetireWanted, sayFirstSnapshot, snapshot } from "./link.ts";
import {
  onBatchDone,
  onInputSpoiled,
  onItemDeaf,
  onItemFailed,
  onItemReturned,
  onItemStarted,
  onItemsFinished,
  onSlotReplaced,
} from "./outcomes.ts";
import type { WorkerConfig, WorkerEvent, WorkerPort } from "./port.ts";
import { ENDING, RUNNING } from "./records.ts";
import { onMessage } from "./scheduler-messages.ts";
import { fillSlots } from "./slots.ts";
import { WorkerState } from "./state.ts";
import { move } from "./transitions.ts";
import type { WorkerCounts } from "./views.ts";
import { countsOf, digestOf } from "./views.ts";

/** One worker, as a pure state machine: events in, calls of the port out. */
export class WorkerMachine {
  readonly #s: WorkerState;
  #stepping = false;

  constructor(config: WorkerConfig, port: WorkerPort) {
    this.#s = new WorkerState(config, port);
  }

  /** Takes one event. The port is called during the step and must not step the machine. */
  step(event: WorkerEvent): void {
    if (this.#stepping) throw new FlockError("FLOCK_INVARIANT", "the worker's machine was stepped from its own port");
    this.#stepping = true;
    const s = this.#s;
    s.at = event.at;
    s.cause = event.cause;
    s.touched.length = 0;
    take(s, event);
    settleLost(s);
    sayFirstSnapshot(s);
    if (!s.left) {
      startFetches(s);
      fillSlots(s);
      if (s.devicesWanted.size > 0) fillDevices(s);
      if (s.actorsReady.size > 0) fillActors(s);
    }
    setAlarm(s);
    this.#stepping = false;
  }

  /** Whether slots have something to run. */
  get isBusy(): boolean {
    for (const slot of this.#s.everySlot()) if (slot.batches.length > 0) return true;
    return false;
  }

  get counts(): WorkerCounts {
    return countsOf(this.#s);
  }

  /** What a resumed link would tell the scheduler now. */
  snapshot(): Snapshot {
    return snapshot(this.#s);
  }

  /** The last transitions of the task's attempts here. */
  story(task: TaskId): StoryLine[] {
    return this.#s.story.of(task);
  }

  /** A short text that is equal for equal states, for replays. */
  digest(): string {
    return digestOf(this.#s);
  }

  /** Throws `FLOCK_INVARIANT` when something does not add up: of all records, or only of those that the last step touched. */
  checkInvariants(scope: "all" | "touched" = "all"): void {
    if (scope === "all") checkEverything(this.#s);
    else checkTouched(this.#s);
  }
}

function take(s: WorkerState, event: WorkerEvent): void {
  if (s.lastSlot >= s.config.slots && isStray(s, event)) return;
  switch (event.e) {
    case "schedulerMessages":
      for (const message of event.messages) {
        onMessage(s, message);
        settleLost(s);
      }
      return;
    case "itemStarted":
      onItemStarted(s, event);
      return;
    case "itemsFinished":
      onItemsFinished(s, event);
      return;
    case "itemFailed":
      onItemFailed(s, event);
      return;
    case "itemReturned":
      onItemReturned(s, event);
      return;
    case "itemDeaf":
      onItemDeaf(s, event);
      return;
    case "batchDone":
      onBatchDone(s, event);
      return;
    case "slotReplaced":
      onSlotReplaced(s, event);
      return;
    case "fetched":
      onArrived(s, event, "fetching");
      return;
    case "fetchFailed":
      onFetchFailed(s, event);
      return;
    case "uploaded":
      onArrived(s, event, "expected");
      return;
    case "uploadFailed":
      onUploadFailed(s, event);
      return;
    default:
      takeSeldom(s, event);
  }
}

type Taken =
  | ("schedulerMessages" | `item${"Started" | "sFinished" | "Failed" | "Returned"}` | "batchDone" | "slotReplaced")
  | ("fetched" | "fetchFailed" | "uploaded" | "uploadFailed");

/** What does not happen with every task. */
function takeSeldom(s: WorkerState, event: Exclude<WorkerEvent, { e: Taken }>): void {
  switch (event.e) {
    case "pausing":
      onPausing(s, event);
      return;
    case "equipped":
      onEquipped(s, event);
      return;
    case "inputSpoiled":
      onInputSpoiled(s, event);
      return;
    case "spoiled":
      saySpoiled(s, event.task);
      return;
    case "linkUp":
      onLinkUp(s, event);
      return;
    case "linkDown":
      // the link keeps what is said to the scheduler until it is back, and what runs goes on
      return;
    case "retireWanted":
      onRetireWanted(s, event);
      return;
    case "woken":
      onWoken(s);
      return;
  }
}

/** A copy is here: wanted ones are held and told, others go at once. */
function onArrived(s: WorkerState, event: { task: TaskId; bytes: number }, by: "fetching" | "expected"): void {
  const datum = s.data.get(event.task);
  if (datum?.state !== by) {
    if (datum?.state !== "stored") s.port.dropStored(event.task);
    return;
  }
  if (by === "fetching") {
    // the fetch is over: nothing is left to stop
    fetchEnded(s, datum);
    datum.state = "promised";
  }
  const { version } = becameStored(s, event.task, event.bytes);
  s.send({ t: "held", task: event.task, bytes: event.bytes, version });
}

function onFetchFailed(s: WorkerState, event: Extract<WorkerEvent, { e: "fetchFailed" }>): void {
  const datum = s.data.get(event.task);
  const { holder } = event;
  if (datum?.state !== "fetching" || datum.holders[0]?.worker !== holder.worker) return;
  fetchEnded(s, datum);
  if (event.full) datum.holders = [];
  else {
    datum.holders.shift();
    s.send({ t: "missing", task: event.task, holder: holder.worker, version: holder.version, why: event.why });
  }
  if (!seekElsewhere(s, datum)) lose(s, datum, "input");
}

function onUploadFailed(s: WorkerState, event: Extract<WorkerEvent, { e: "uploadFailed" }>): void {
  const datum = s.data.get(event.task);
  if (datum?.state !== "expected") return;
  s.send({ t: "notHeld", task: event.task, message: event.message, code: event.code });
  if (!seekElsewhere(s, datum)) lose(s, datum, "input");
}

function onWoken(s: WorkerState): void {
  s.alarm = null;
  for (let task = s.timers.peek(); task !== undefined && task.deadline <= s.at; task = s.timers.peek()) {
    if (task.state === RUNNING) {
      // the abort arms the timer anew, for the grace
      stopInSlot(s, task, "timeout");
    } else move(s, task, ENDING);
  }
}

function setAlarm(s: WorkerState): void {
  const next = s.timers.peek();
  const at = next === undefined ? null : (next.deadline as typeof s.at);
  if (at === s.alarm) return;
  s.alarm = at;
  s.port.wakeAt(at);
}
