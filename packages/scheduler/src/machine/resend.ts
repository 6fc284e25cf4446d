// Large parts of arguments whose last copy was lost. The client that sent them keeps the bytes for a while: it is asked for them again as
// soon as a task needs them, and the tasks wait meanwhile.

import type { TaskNumber } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { end, failedWith, failure } from "./lifecycle.ts";
import { HELD, type Ref, type Session, type Task } from "./records.ts";
import { keyOf } from "./references.ts";
import { IDLE, UPLOADING } from "./states.ts";
import { giveUpUpload, newUpload, startUpload } from "./upload.ts";

/** Its client keeps the bytes, as far as is known. */
export function comesAgain(task: Task): boolean {
  return task.uncommon?.isKept === true && sourceOf(task) !== null;
}

/** The last copy is gone. */
export function awaitAgain(core: Core, task: Task): void {
  if (task.needed > 0) askAgain(core, task, sourceOf(task)!);
  else core.move(task, IDLE, "its last copy was lost, nothing needs it now");
}

/** Somebody needs what was lost before. */
export function sendAgain(core: Core, task: Task): void {
  const source = sourceOf(task);
  if (source !== null) {
    askAgain(core, task, source);
    return;
  }
  const text = `The data ${keyOf(task)}, part of an argument, was lost with the last worker that held it, and its client let go of it. Submit the task again.`;
  end(core, task, failedWith(failure("FLOCK_DATA_LOST", text), "", 0));
}

/** The client has the bytes no more. */
export function notKept(core: Core, session: Session, n: TaskNumber): void {
  const task = session.tasks.get(n);
  if (task?.upload?.again === true) giveUpUpload(core, task, "its client has it no more");
}

function askAgain(core: Core, task: Task, source: Ref): void {
  core.happened(
    "dataAsked",
    source.session.name,
    `its last copy was lost with a worker: ${task.bytes} bytes`,
    keyOf(task),
  );
  task.extras.upload = newUpload(source, false, [], true);
  core.move(task, UPLOADING, "its last copy was lost, its client is asked for it again");
  startUpload(core, task);
}

/** Who sent it, and refers to it still. */
function sourceOf(task: Task): Ref | null {
  return (task.flags & HELD) === 0 ? null : { session: task.session, n: task.n };
}

/** What must hold of data that is on its way to workers. */
export function checkUploads(core: Core): string | null {
  for (const task of core.uploads) {
    const upload = task.upload;
    if (task.state !== UPLOADING || upload === null) return `task ${task.id} counts as uploaded, and is not`;
    const { session, n } = upload.uploader;
    if (session.tasks.get(n) !== task || !core.sessions.has(session.id))
      return `task ${task.id} is to be uploaded by a session that does not refer to it`;
    if (upload.timer !== null && upload.timer.place < 0)
      return `the upload of task ${task.id} has a limit that is over`;
    const isAsked = upload.again && upload.targets.size > 0 && core.canTell(session);
    if (isAsked && upload.timer === null) return `task ${task.id} is waited for without a limit`;
    if (upload.again && !task.extras.isKept) return `task ${task.id} is asked for, and its client never kept it`;
  }
  for (const task of core.slots) {
    if (task === null) continue;
    if (task.state === IDLE && task.definition === null && task.needed > 0)
      return `task ${task.id} is data that others need, and nobody is asked for it`;
  }
  return null;
}
