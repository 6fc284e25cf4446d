// The task of a training, or the tasks of several workers that train together.
import { isFlockError } from "@taskflock/protocol/words";
import type { Executor, SubmitOptions } from "../../executor.ts";
import type { TrainJob, TrainOutcome } from "../run/train-task.ts";
import { Gang, type GangOptions, type GangTask } from "./gang.ts";
import type { GangEnd } from "./words.ts";

export type { GangTask } from "./gang.ts";

export interface Members {
  readonly size: number;
  readonly minimum: number;
  readonly patienceMs: number;
}

export async function submitTraining(
  executor: Executor,
  job: TrainJob,
  { size, minimum, patienceMs }: Members,
  {
    onFormed,
    ...options
  }: SubmitOptions & Pick<GangOptions<unknown>, "onFormed"> & { readonly onReport: (report: unknown) => void },
): Promise<GangTask<TrainOutcome>> {
  const { trainMember, trainTask } = await import("@taskflock/ml/training");
  if (size === 1) return executor.submit(trainTask, [job], options);
  const joinGroup = await executor.joinGroup?.();
  const name = `training ${Date.now().toString(36)} ${Math.random().toString(36).slice(2, 10)}`;
  return new Gang<TrainOutcome>({
    size,
    minimum,
    patienceMs,
    noWorkerTimeoutMs: options.noWorkerTimeoutMs ?? null,
    onReport: options.onReport,
    ...(onFormed === undefined ? {} : { onFormed }),
    mayReplace: (error) => isFlockError(error, "FLOCK_TASK_EXITED"),
    submit: (_, onReport) =>
      executor.submit<GangEnd<TrainOutcome>>(trainMember, [job, name, joinGroup], { ...options, onReport }),
  });
}
