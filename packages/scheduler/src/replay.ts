// Steps the machine once more over what was recorded.

import { isFlockError, type StoryLine, type TaskId } from "@taskflock/protocol/links";
import { type SchedulerEvent, SchedulerMachine, type SchedulerPort } from "./machine/index.ts";
import { invalid, readRecording } from "./recording.ts";

export interface Replay {
  readonly steps: number;
  /** The state that the steps led to. */
  readonly digest: string;
  /** What the recording says it should be; null when the scheduler did not end in order. */
  readonly recordedDigest: string | null;
  readonly machine: SchedulerMachine;
  /** The stories of tasks whose key is `key` or begins with it, oldest task first. */
  stories(key: string): { readonly key: string; readonly task: TaskId; readonly lines: readonly StoryLine[] }[];
}

/** Nobody listens: the machine's state is all that counts. Keys are learnt from what it says to workers and of what clients say. */
class SilentPort implements SchedulerPort {
  readonly keys: Map<TaskId, string> = new Map();
  readonly toWorker: SchedulerPort["toWorker"] = (_worker, message) => {
    if (message.t === "assign") this.keys.set(message.task, message.key);
  };
  readonly toClient = (): void => undefined;
  readonly wakeAt = (): void => undefined;
  readonly free = (): void => undefined;
  readonly closeWorker = (): void => undefined;
}

/** A record that can be read may still mean nothing: what the machine then stumbles over is the recording's fault. */
function meaningful<T>(file: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (isFlockError(error)) throw error;
    throw invalid(
      file,
      `a record of it means nothing (${error instanceof Error ? error.message : String(error)})`,
      error,
    );
  }
}

/** Throws FLOCK_RECORDING_INVALID; an invariant that breaks is thrown as it was when it was recorded. */
export function replayRecording(file: string, onStep: (event: SchedulerEvent) => void = () => undefined): Replay {
  const { config, events, digest } = readRecording(file);
  const port = new SilentPort();
  const machine = meaningful(file, () => new SchedulerMachine(config, port));
  let steps = 0;
  for (const event of events) {
    meaningful(file, () => machine.step(event));
    steps++;
    onStep(event);
  }
  return {
    steps,
    digest: machine.digest(),
    recordedDigest: digest,
    machine,
    stories: (prefix) =>
      [...port.keys]
        .filter(([, key]) => key.startsWith(prefix))
        .map(([task, key]) => ({ key, task, lines: machine.story(task) })),
  };
}
