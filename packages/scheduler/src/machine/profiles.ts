// Profiles of what slots do: asked of workers for a client, one client at a time at each.

import { NO_PAYLOAD, type Profiled } from "@taskflock/protocol/words";
import { answer } from "./answers.ts";
import type { Core } from "./core.ts";
import { namedWorkers, notFound } from "./named-workers.ts";
import type { Handlers } from "./questions.ts";
import type { QuestionAnswer, Session } from "./records.ts";
import { isThere, type Worker } from "./worker-record.ts";

/** A worker is being sampled. */
export interface Profiling {
  /** For whom; null once that client is gone. */
  session: Session | null;
  /** The question that the result answers, once it was asked. */
  asked: number | null;
}

export const profileHandlers: Handlers<"startProfile" | "takeProfile"> = {
  startProfile: (core, session, id, { workers: names, intervalUs }) => {
    const workers =
      names.length === 0 ? [...core.workers.values()].filter(isThere) : namedWorkers(core, names, isThere);
    const problem = whyNot(session, workers, names);
    if (problem === null) for (const worker of workers) start(core, session, worker, intervalUs);
    answer(core, session, id, () => problem ?? { value: workers.map(({ name }) => name), error: null });
  },
  takeProfile: (core, session, id, { worker: name }) => {
    const worker = namedWorkers(core, [name])[0];
    const profiling = worker?.profiling;
    if (worker === undefined || profiling === undefined || profiling?.session !== session) {
      answer(core, session, id, () =>
        failed(`No profile of ${name} is being taken for this client; it may have left.`),
      );
      return;
    }
    if (profiling.asked !== null && profiling.asked !== id) {
      answer(core, session, id, () => failed(`The profile of ${name} is on its way to this client already.`));
      return;
    }
    // Asked again after a cut, the worker was told already.
    if (profiling.asked === null) core.send(worker, { t: "profile", intervalUs: 0 });
    profiling.asked = id;
  },
};

/** The worker's answer. */
export function profiled(core: Core, worker: Worker, { data, dataBytes, message }: Profiled): void {
  const { profiling } = worker;
  worker.profiling = null;
  if (profiling !== null && profiling.session !== null && profiling.asked !== null) {
    const { session, asked } = profiling;
    // A client that cannot be told now will find that there is none.
    if (message !== "") answer(core, session, asked, () => failed(`${worker.name}: ${message}`));
    else if (core.canTell(session)) answer(core, session, asked, () => ({ value: null, error: null, data, dataBytes }));
  }
  if (data !== NO_PAYLOAD) core.port.free(data);
}

/** The worker is gone, and its profile with it. */
export function profileLost(core: Core, worker: Worker): void {
  const { profiling } = worker;
  if (profiling === null || profiling.session === null || profiling.asked === null) return;
  answer(core, profiling.session, profiling.asked, () => failed(`${worker.name} left while it was profiled.`));
}

/** What was sampled for a client that is gone is of no use. */
export function profilesAbandoned(core: Core, session: Session): void {
  for (const worker of core.workers.values()) {
    const { profiling } = worker;
    if (profiling === null || profiling.session !== session) continue;
    if (profiling.asked === null) core.send(worker, { t: "profile", intervalUs: 0 });
    profiling.session = null;
  }
}

/** Its link was cut: what was said to it may be lost, so it is said again. */
export function profileAgain(core: Core, worker: Worker): void {
  const { profiling } = worker;
  if (profiling !== null && (profiling.asked !== null || profiling.session === null)) {
    core.send(worker, { t: "profile", intervalUs: 0 });
  }
}

function start(core: Core, session: Session, worker: Worker, intervalUs: number): void {
  if (worker.profiling !== null) return; // asked again after a cut
  worker.profiling = { session, asked: null };
  core.send(worker, { t: "profile", intervalUs });
}

function whyNot(session: Session, workers: readonly Worker[], names: readonly string[]): QuestionAnswer | null {
  const unknown = notFound(names, workers);
  if (unknown !== null) return unknown;
  const busy = workers.find((w) => w.profiling !== null && w.profiling.session !== session);
  if (busy === undefined) return null;
  return failed(
    `${busy.profiling?.session?.name ?? "A client that left"} takes a profile of ${busy.name} at this moment.`,
  );
}

function failed(message: string): QuestionAnswer {
  return { value: null, error: { code: "FLOCK_PROFILE", message } };
}
