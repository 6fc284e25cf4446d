// What admins do with workers: retire them, or have their processes replaced. Both ask first.

import { api } from "../../feed/api.ts";
import { Action } from "../../ui/dialog.tsx";
import { count } from "../../ui/format.ts";

interface Answer {
  readonly workers: readonly string[];
}

export function WorkerActions({ names }: { readonly names: readonly string[] }) {
  const which = names.length === 0 ? "workers" : names.length === 1 ? names[0]! : count(names.length, "worker");
  const these = names.length === 1 ? "It" : "Each";
  const post = async (action: string, done: string): Promise<string> => {
    const { workers } = await api.post<Answer>(`actions/${action}`, { workers: names });
    return `${workers.length === 1 ? workers[0] : count(workers.length, "worker")} ${done}.`;
  };
  return (
    <>
      <Action
        label={`Retire ${which}`}
        question={`${these} ends what it runs, hands over results that only it holds, and leaves. No task fails for it.`}
        isDisabled={names.length === 0}
        isDangerous
        run={() => post("retire", "will leave")}
      />
      <Action
        label={`Restart ${which}`}
        question={`${these} ends what it runs, hands over results that only it holds, and begins anew in a new process.`}
        isDisabled={names.length === 0}
        run={() => post("restart-workers", "will begin anew")}
      />
    </>
  );
}
