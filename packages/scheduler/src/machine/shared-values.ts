// Events, which are set or not, and variables, which have a value or not. Both outlive the client that set them.

import type { Question } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import type { Handlers } from "./questions.ts";
import type { Session } from "./records.ts";
import { drop, handOver, isItem, receive, whyFull } from "./shared-items.ts";
import { ITEM_BYTES, type SharedEvent, type SharedVariable } from "./shared-objects.ts";
import { endWait, reply, wait } from "./shared-waits.ts";

type Asked<Q extends Question["q"]> = Extract<Question, { q: Q }>;

export const valueHandlers: Handlers<"eventSet" | "eventWait" | "variableSet" | "variableGet"> = {
  eventSet: (core, session, id, { name, isSet }) => {
    const event = openEvent(core, name);
    const full = isSet && !event.isSet ? whyFull(core, 0) : null;
    if (full === null) setEvent(core, event, isSet);
    reply(core, session, id, full ?? undefined);
    if (event.isSet) for (const waiter of event.waiting) answerSet(core, waiter);
    core.shared.letGo(event);
  },
  eventWait: (core, session, id, { name, timeoutMs }) => {
    const event = openEvent(core, name);
    if (event.isSet) reply(core, session, id);
    else wait(core, session, id, event, { what: "set" }, timeoutMs);
  },
  variableSet,
  variableGet: (core, session, id, { name, as, timeoutMs }) => {
    const variable = openVariable(core, name);
    if (variable.item === null) wait(core, session, id, variable, { what: "take", as }, timeoutMs);
    else show(core, variable, session, id, as);
  },
};

function variableSet(core: Core, session: Session, id: number, asked: Asked<"variableSet">): void {
  const received = receive(core, session, asked);
  if (!isItem(received)) {
    reply(core, session, id, received);
    return;
  }
  const variable = openVariable(core, asked.name);
  const before = variable.item;
  variable.item = received;
  if (before !== null) drop(core, before);
  reply(core, session, id);
  for (const waiter of variable.waiting) {
    endWait(core, waiter);
    if (waiter.want.what === "take") show(core, variable, waiter.session, waiter.id, waiter.want.as);
  }
}

/** The value stays; what the client is told has it, too, until it is heard. */
function show(
  core: Core,
  variable: SharedVariable,
  session: Session,
  id: number,
  as: Asked<"variableGet">["as"],
): void {
  const item = variable.item!;
  item.uses++;
  reply(core, session, id, handOver(core, session, item, as, 1), item);
}

/** One that is set outlives its client, so it counts. */
export function setEvent(core: Core, event: SharedEvent, isSet: boolean): void {
  if (event.isSet !== isSet) core.shared.bytes += isSet ? ITEM_BYTES : -ITEM_BYTES;
  event.isSet = isSet;
}

function answerSet(core: Core, waiter: Parameters<typeof endWait>[1]): void {
  endWait(core, waiter);
  reply(core, waiter.session, waiter.id);
}

function openEvent(core: Core, name: string): SharedEvent {
  const known = core.shared.find("event", name);
  return known ?? core.shared.add({ kind: "event", name, waiting: new Set(), isSet: false });
}

function openVariable(core: Core, name: string): SharedVariable {
  const known = core.shared.find("variable", name);
  return known ?? core.shared.add({ kind: "variable", name, waiting: new Set(), item: null });
}
