// A member of a data parallel training as a task: leads it or follows.
import { switchTensors } from "@taskflock/tensors";
import { taskHere } from "../../task-here.ts";
import type { JoinGroup, MemberGroup } from "../member-group.ts";
import { follow } from "../parallel.ts";
import { loadSets, noFiles, type TrainJob, type TrainOutcome, trainTask } from "../run/train-task.ts";
import { Trainer } from "../trainer.ts";
import { runMember } from "./member.ts";
import type { GangEnd } from "./words.ts";

/** One training, from its beginning or its last checkpoint to its end, by several of these. What `client.train({ workers })` submits. */
export function trainMember(job: TrainJob, gang: string, joinGroup: JoinGroup): Promise<GangEnd<TrainOutcome>> {
  return runMember(gang, joinGroup, async (group) => {
    if (group.rank === 0) return trainTask(job, group);
    await followTask(job, group);
    return null;
  });
}

async function followTask(job: TrainJob, group: MemberGroup): Promise<void> {
  const { tf } = await switchTensors(job.backend === null ? {} : { backend: job.backend });
  const here = taskHere()!;
  const { data } = await loadSets({ ...job, validation: null });
  const around = { worker: here.task.worker, resumed: 0, shard: group.rank, log: here.log, files: noFiles };
  const trainer = await Trainer.create(tf, job.plan, data, null, around);
  try {
    await follow(trainer, group, here.retiring);
  } finally {
    trainer.dispose();
  }
}
