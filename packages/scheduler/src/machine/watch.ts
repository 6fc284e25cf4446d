// Answers for people who look at the cluster: events, printed lines, and all that is known. Some wait for what happens next.

import type { SessionId, WatchQuestion } from "@taskflock/protocol/words";
import { addWaiting, answer } from "./answers.ts";
import type { Core } from "./core.ts";
import { dumpPage } from "./dump.ts";
import { profileHandlers } from "./profiles.ts";
import type { Handlers } from "./questions.ts";
import type { QuestionAnswer, Session } from "./records.ts";

/** Someone who waits for the next event or line. */
export interface Watcher {
  readonly session: SessionId;
  readonly id: number;
  readonly question: Extract<WatchQuestion, { wait: boolean }>;
}

/** Lines of one answer, UTF-16 units: a frame has a limit. */
const MAX_ANSWER_UNITS = 256 * 1024;
/** The longest note, UTF-16 units. */
const MAX_NOTE = 4096;

export const watchHandlers: Handlers<WatchQuestion["q"]> = {
  ...profileHandlers,
  events: (core, session, id, question) => watch(core, session, id, question),
  logs: (core, session, id, question) => watch(core, session, id, question),
  note: (core, session, id, { text }) => {
    core.happened("note", session.name, text.slice(0, MAX_NOTE));
    answer(core, session, id, () => ({ value: null, error: null }));
  },
  dump: (core, session, id, { section, from, limit }) =>
    answer(core, session, id, () => ({ value: dumpPage(core, section, from, limit), error: null })),
};

function watch(core: Core, session: Session, id: number, question: Watcher["question"]): void {
  const found = pageOf(core, question);
  if (!question.wait || found !== null) {
    answer(core, session, id, () => ({ value: found ?? emptyPage(core), error: null }));
    return;
  }
  addWaiting(core, session, core.watchers, { session: session.id, id, question });
}

/** At the end of a step: those whose wait is over. */
export function answerWatchers(core: Core): void {
  if (core.watchers.length === 0) return;
  if (core.events.last === core.watchedEvent && core.logs.last === core.watchedLine) return;
  core.watchedEvent = core.events.last;
  core.watchedLine = core.logs.last;
  const waiting = core.watchers.splice(0);
  for (const watcher of waiting) {
    const session = core.sessions.get(watcher.session);
    if (session === undefined) continue;
    const found = pageOf(core, watcher.question);
    if (found === null) core.watchers.push(watcher);
    else answer(core, session, watcher.id, () => ({ value: found, error: null }));
  }
}

/** Null when there is nothing to tell. */
function pageOf(core: Core, question: Watcher["question"]): QuestionAnswer["value"] | null {
  const { since, limit } = question;
  const { events, logs, now } = core;
  const items =
    question.q === "events" ? events.since(since, limit) : logs.since(since, question.filter, limit, MAX_ANSWER_UNITS);
  if (items.length === 0) return null;
  return { items, now, missed: question.q === "events" ? events.missedSince(since) : logs.missedSince(since) };
}

function emptyPage({ now }: Core): QuestionAnswer["value"] {
  return { items: [], now, missed: 0 };
}
