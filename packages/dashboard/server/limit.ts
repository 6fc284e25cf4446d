import type { ClusterInfo } from "@taskflock/protocol/words";

/** One sentence: what the cluster does, and what keeps it from doing more. */
export function limitOf({ tasks, workers }: ClusterInfo): string {
  const pending = tasks.queued + tasks.waiting;
  const active = tasks.assigned + tasks.running;
  const usable = workers.filter((worker) => worker.status === "running");
  if (usable.length === 0) {
    return pending + active > 0
      ? `${count(pending + active, "task")} cannot run: no worker is connected.`
      : "No worker is connected.";
  }
  const slots = usable.reduce((sum, worker) => sum + worker.slots, 0);
  if (pending + active === 0)
    return `Idle: ${count(usable.length, "worker")} with ${count(slots, "slot")} and nothing to do.`;
  const scarce = scarceResource(usable);
  if (tasks.queued > 0 && tasks.running < slots && scarce !== null) {
    return `${count(tasks.queued, "task")} queued while slots are free: all ${scarce} of the workers is in use.`;
  }
  const busy = usable.reduce((sum, worker) => sum + Math.min(worker.slots, worker.assigned), 0);
  if (busy >= slots) {
    return `All ${count(slots, "slot")} of ${count(usable.length, "worker")} busy; ${count(pending, "task")} to come. More workers would help.`;
  }
  if (tasks.waiting > 0 && tasks.queued === 0) {
    return `${busy} of ${count(slots, "slot")} busy; ${count(tasks.waiting, "task")} wait for the results of others.`;
  }
  return `${busy} of ${count(slots, "slot")} busy; ${count(pending, "task")} to come.`;
}

/** A resource of which nothing is left anywhere. */
function scarceResource(workers: ClusterInfo["workers"]): string | null {
  const names = new Set(workers.flatMap((worker) => Object.keys(worker.resources)));
  for (const name of names) {
    const left = workers.reduce(
      (sum, worker) => sum + (worker.resources[name] ?? 0) - (worker.resourcesUsed[name] ?? 0),
      0,
    );
    if (left === 0) return name;
  }
  return null;
}

function count(value: number, noun: string): string {
  return `${value.toLocaleString("en")} ${noun}${value === 1 ? "" : "s"}`;
}
