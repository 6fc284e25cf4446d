// The worker's end of the channel to its nanny.
import { FlockError } from "@taskflock/protocol/words";
import type { WorkerExit } from "../start-worker.ts";
import type { NannyToWorker, WorkerToNanny } from "./messages.ts";
import { NANNY_VARIABLE } from "./messages.ts";

export interface NannyLink {
  /** The scheduler's token. */
  readonly token: string;
  /** For `startWorker`: the nanny reports this process's end by it. */
  readonly incarnation: string;
  /** Resolves when the nanny is gone: the worker must end, because nobody watches it any more. */
  readonly gone: Promise<void>;
  /** However this process ends, no other one is to follow. */
  last(): void;
  /** Before the process ends by plan; resolves when the nanny will have it. */
  leaving(exit: WorkerExit): Promise<void>;
}

/** The nanny that started this process, or null when none did. */
export async function joinNanny(): Promise<NannyLink | null> {
  if (process.env[NANNY_VARIABLE] === undefined || process.send === undefined) return null;
  delete process.env[NANNY_VARIABLE];
  const gone = new Promise<void>((resolve) => {
    process.once("disconnect", resolve);
  });
  const welcome = new Promise<NannyToWorker>((resolve) => {
    process.on("message", (message: NannyToWorker) => {
      if (message.t === "welcome") resolve(message);
    });
  });
  await say({ t: "hello" });
  const { token, incarnation } = await Promise.race([welcome, gone.then(orphaned)]);
  // The channel alone must not keep a worker alive that has ended.
  process.channel?.unref();
  return { token, incarnation, gone, last: () => void say({ t: "last" }), leaving };
}

function orphaned(): never {
  throw new FlockError("FLOCK_CLUSTER_START", "The nanny that started this worker ended before the worker could join.");
}

function leaving({ restart, error }: WorkerExit): Promise<void> {
  return say({ t: "leaving", restart, error: error === null ? null : `${error.message} (${error.code})` });
}

function say(message: WorkerToNanny): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, () => resolve());
  });
}
