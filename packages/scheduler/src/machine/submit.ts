// New tasks. A reference that cannot be honoured fails that one task, with a code; it never throws.

import {
  type ErrorCode,
  type FunctionNumber,
  NO_PAYLOAD,
  type Scatter,
  type Submit,
  type TaskNumber,
} from "@taskflock/protocol/words";
import { apartOf, checkActors, openActor } from "./actors.ts";
import { creditAtOnce } from "./admission.ts";
import { sayOutcome } from "./announce.ts";
import type { Core } from "./core.ts";
import { useFunctions } from "./functions.ts";
import { activate, complete, end, failedWith, failure } from "./lifecycle.ts";
import { ACTOR, type Definition, LINEAGE, noDefinitions, type Session, type Task } from "./records.ts";
import { addRef, linkInputs } from "./references.ts";
import { countNew } from "./runs.ts";
import { DONE, IDLE, UPLOADING } from "./states.ts";
import { newUpload, receiversUnknown, startUpload } from "./upload.ts";

export function submit(core: Core, session: Session, message: Submit): void {
  const { n, key, fingerprint } = message;
  const known = key === null ? undefined : core.keys.get(key);
  if (session.tasks.has(n) || known !== undefined) {
    decline(core, session, message);
    if (!session.tasks.has(n)) referTo(core, session, n, known!, fingerprint);
    return;
  }
  const definition = session.functions.get(message.fn);
  const nested = resolveFunctions(session, message.functions);
  const options = session.options.get(message.options);
  const run = session.runs.get(message.run);
  const inputs = resolveInputs(session, message.deps);
  const problem =
    definition === undefined
      ? `function ${message.fn} was not defined`
      : typeof nested === "number"
        ? `function ${nested} in its arguments was not defined`
        : options === undefined
          ? `options ${message.options} were not defined`
          : run === undefined
            ? `run ${message.run} was not opened`
            : repeats(message.deps)
              ? "it names an input twice"
              : null;
  if (problem !== null || typeof inputs === "number") {
    decline(core, session, message);
    const name = definition?.name ?? "task";
    if (typeof inputs !== "number") {
      refuse(core, session, n, name, "FLOCK_PROTOCOL", `Task ${n} cannot be run: ${problem}.`);
    } else {
      const text = `Task ${n} needs the result of task ${inputs}, which was released or never submitted.`;
      refuse(core, session, n, name, "FLOCK_TASK_UNKNOWN", text);
    }
    return;
  }
  const wrong = core.actors.size > 0 || options!.data.isolation === "call" ? checkActors(inputs, options!) : null;
  if (wrong !== null) {
    decline(core, session, message);
    refuse(core, session, n, definition!.name, "FLOCK_PROTOCOL", `Task ${n} cannot be run: ${wrong}.`);
    return;
  }
  const task = core.newTask(n, options!, run!);
  task.args = message.args;
  task.argsBytes = message.argsBytes;
  describe(task, definition!, nested as readonly Definition[], inputs);
  const apart = apartOf(options!);
  if (apart === 0) task.order = orderFor(core, inputs);
  else {
    task.flags |= apart;
    task.order = ++core.lastOrder;
    if (apart === ACTOR) openActor(core, task);
  }
  register(core, task, key, fingerprint);
  addRef(session, n, task);
  countNew(core, task);
  activate(core, task, "submitted");
}

/** No task comes of it. */
function decline(core: Core, session: Session, { args, argsBytes }: Submit): void {
  if (args !== NO_PAYLOAD) core.port.free(args);
  creditAtOnce(core, session, argsBytes);
}

export function scatter(core: Core, session: Session, message: Scatter): void {
  const { n, key, fingerprint, data } = message;
  const known = key === null ? undefined : core.keys.get(key);
  if (session.tasks.has(n) || known !== undefined) {
    if (data !== NO_PAYLOAD) core.port.free(data);
    if (!session.tasks.has(n)) referTo(core, session, n, known!, fingerprint);
    return;
  }
  const problem = receiversUnknown(core, message.workers);
  if (problem !== null) {
    if (data !== NO_PAYLOAD) core.port.free(data);
    refuse(core, session, n, message.name, "FLOCK_WORKER_UNKNOWN", problem);
    return;
  }
  const task = core.newTask(n, session.options.get(0)!, session.runs.get(0)!);
  task.extras.name = message.name;
  task.bytes = message.bytes;
  task.order = ++core.lastOrder;
  register(core, task, key, fingerprint);
  addRef(session, n, task);
  countNew(core, task);
  if (data !== NO_PAYLOAD) {
    task.result = data;
    core.inlineBytes += task.bytes;
    complete(core, task, "scattered inline");
    return;
  }
  const { broadcast, workers } = message;
  task.extras.upload = newUpload({ session, n }, broadcast, workers, false);
  task.extras.isKept = message.kept;
  core.move(task, UPLOADING, "scattered");
  startUpload(core, task);
}

/** A reference that stands for itself alone: failed, or cancelled for this session only. */
export function refuse(core: Core, session: Session, n: TaskNumber, name: string, code: ErrorCode, text: string): void {
  const task = newEnded(core, session, n, name);
  end(core, task, failedWith(failure(code, text), "", 0));
}

export function cancelAlone(core: Core, session: Session, n: TaskNumber, name: string, reason: string): void {
  const task = newEnded(core, session, n, name);
  end(core, task, { kind: "cancelled", reason });
}

function newEnded(core: Core, session: Session, n: TaskNumber, name: string): Task {
  const task = core.newTask(n, session.options.get(0)!, session.runs.get(0)!);
  task.extras.name = name;
  addRef(session, n, task);
  countNew(core, task);
  return task;
}

/** The key is in use: the same work is referred to, other work is a conflict. */
function referTo(core: Core, session: Session, n: TaskNumber, task: Task, fingerprint: string | null): void {
  if (task.fingerprint !== fingerprint) {
    const text = `The key ${task.key} is already used for other code or other arguments. Give another key, or release the first.`;
    refuse(core, session, n, task.name, "FLOCK_KEY_CONFLICT", text);
    return;
  }
  refer(core, session, n, task);
}

/** One more reference to a task that is there. */
export function refer(core: Core, session: Session, n: TaskNumber, task: Task): void {
  addRef(session, n, task);
  if (task.state === IDLE && task.definition !== null) activate(core, task, "wanted again");
  sayOutcome(core, session, n, task);
}

function register(core: Core, task: Task, key: string | null, fingerprint: string | null): void {
  if (key === null) return;
  task.extras.key = key;
  task.extras.fingerprint = fingerprint;
  core.keys.set(key, task);
}

function describe(task: Task, definition: Definition, nested: readonly Definition[], inputs: readonly Task[]): void {
  task.definition = definition;
  if (nested.length > 0) task.extras.functions = nested;
  task.flags |= LINEAGE;
  useFunctions(definition, nested);
  linkInputs(task, inputs);
}

/** Depth first: what continues work that is under way goes with it, before what was submitted after that. */
function orderFor(core: Core, inputs: readonly Task[]): number {
  let order = 0;
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i]!;
    if (input.definition !== null && input.state !== DONE && input.order > order) order = input.order;
  }
  return order === 0 ? ++core.lastOrder : order;
}

function resolveFunctions(session: Session, numbers: readonly FunctionNumber[]): readonly Definition[] | number {
  if (numbers.length === 0) return noDefinitions;
  const found: Definition[] = [];
  for (const number of numbers) {
    const definition = session.functions.get(number);
    if (definition === undefined) return number;
    found.push(definition);
  }
  return found;
}

const noTasks: readonly Task[] = [];

/** Inputs that are named once each are tasks that are there; a million times the same one takes a few bytes to say, and a lot to keep. */
const MANY = 1_000;

function repeats(numbers: readonly TaskNumber[]): boolean {
  return numbers.length > MANY && new Set(numbers).size < numbers.length;
}

function resolveInputs(session: Session, numbers: readonly TaskNumber[]): readonly Task[] | number {
  if (numbers.length === 0) return noTasks;
  const found: Task[] = [];
  for (let i = 0; i < numbers.length; i++) {
    const task = session.tasks.get(numbers[i]!);
    if (task === undefined) return numbers[i]!;
    found.push(task);
  }
  return found;
}
