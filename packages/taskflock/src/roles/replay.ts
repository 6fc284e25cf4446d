// What `taskflock replay` prints.

import { replayRecording } from "@taskflock/scheduler";
import { formatStory } from "../format.ts";

interface ReplayFlags {
  readonly story: readonly string[];
  readonly json: boolean;
}

/** Throws FLOCK_RECORDING_INVALID. */
export function replayText(file: string, { story, json }: ReplayFlags): string {
  const replay = replayRecording(file);
  const stories = story.flatMap((key) => replay.stories(key));
  if (json) {
    const { steps, digest, recordedDigest } = replay;
    return JSON.stringify({ steps, digest, recordedDigest, tasks: replay.machine.taskCounts(), stories }, null, 2);
  }
  const lines = [`${replay.steps} events stepped, ${replay.machine.transitions()} transitions.`, comparison(replay)];
  for (const { key, lines: told } of stories) lines.push("", key, formatStory(told));
  if (story.length > 0 && stories.length === 0)
    lines.push("", `No task has a key that begins with ${story.join(" or ")}.`);
  return lines.join("\n");
}

function comparison({
  digest,
  recordedDigest,
}: {
  readonly digest: string;
  readonly recordedDigest: string | null;
}): string {
  if (recordedDigest === null)
    return `The recording was cut off (the scheduler did not end in order); its state so far is ${digest}.`;
  return recordedDigest === digest
    ? `They led to the same state as when they were recorded: ${digest}.`
    : `They led to ANOTHER state than when they were recorded: ${digest} instead of ${recordedDigest}. Replay with the version that recorded them.`;
}
