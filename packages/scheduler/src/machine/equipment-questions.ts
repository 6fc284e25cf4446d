// What clients ask about plugins and uploaded files.

import { type GearKind, NO_PAYLOAD, type Question } from "@taskflock/protocol/words";
import { answer, freeQuestion } from "./answers.ts";
import type { Core } from "./core.ts";
import { dropGear, freeParts, isBeingKept, keepGear, newErrand, say } from "./equip.ts";
import type { Gear, Part } from "./equipment.ts";
import type { Handlers } from "./questions.ts";
import type { FunctionRecord, QuestionAnswer, Session } from "./records.ts";

type Equip = Extract<Question, { q: "equip" }>;
type FilePart = Extract<Question, { q: "filePart" }>;

const DONE: QuestionAnswer = { value: null, error: null };
/** The longest list of names in an error. */
const NAMES_SHOWN = 20;

export const equipmentHandlers: Handlers<"filePart" | "equip" | "unequip" | "equipment"> = {
  filePart: (core, session, id, question) => {
    const said = takePart(core, session, question);
    answer(core, session, id, () => said);
  },
  equip: (core, session, id, question) => {
    const before = core.kept.recall(session.id, id);
    if (before !== null || isBeingKept(core, session.id, id)) {
      freeQuestion(core, question);
      if (before !== null) answer(core, session, id, () => before);
      return;
    }
    const problem = equip(core, session, id, question);
    if (problem !== null) say(core, session.id, id, problem);
  },
  unequip: (core, session, id, { kind, name }) => {
    const before = core.kept.recall(session.id, id);
    if (before !== null) answer(core, session, id, () => before);
    else say(core, session.id, id, unequip(core, session, kind, name));
  },
  equipment: (core, session, id, { kind }) =>
    answer(core, session, id, () => ({ value: equipmentFacts(core, kind), error: null })),
};

/** What a client had begun to bring. */
export function draftsAbandoned(core: Core, session: Session): void {
  for (const number of [...(core.equipment.drafts.get(session.id)?.keys() ?? [])]) {
    freeParts(core, core.equipment.takeDraft(session.id, number));
  }
}

/** Asked again after a cut, it finds its part. */
function takePart(core: Core, session: Session, { draft: number, part, data, dataBytes }: FilePart): QuestionAnswer {
  const { equipment, config } = core;
  const there = equipment.draft(session.id, number)?.parts.length ?? 0;
  if (part !== there || equipment.bytes + dataBytes > config.equipmentBudgetBytes) {
    core.port.free(data);
    if (part < there) return DONE;
    freeParts(core, equipment.takeDraft(session.id, number));
    return part > there ? refused("FLOCK_FILE_FAILED", "A part of the file is missing; upload it again.") : full(core);
  }
  equipment.openDraft(session.id, number).parts.push({ data, bytes: dataBytes });
  equipment.bytes += dataBytes;
  return DONE;
}

/** Null when it is under way, or done; its answer follows by itself. */
function equip(core: Core, session: Session, id: number, question: Equip): QuestionAnswer | null {
  const { kind, name, draft, override, data, dataBytes } = question;
  const known = core.equipment.find(kind, name);
  const functions: FunctionRecord[] = [];
  for (const fn of question.functions) {
    const definition = session.functions.get(fn);
    if (definition !== undefined) functions.push(definition.record);
  }
  const problem = whyNot(core, session, question, known, functions.length);
  if (problem !== null) {
    freeQuestion(core, question);
    freeParts(core, core.equipment.takeDraft(session.id, draft));
    return problem;
  }
  if (data !== NO_PAYLOAD) core.equipment.bytes += dataBytes;
  const parts: readonly Part[] =
    data === NO_PAYLOAD ? core.equipment.takeDraft(session.id, draft) : [{ data, bytes: dataBytes }];
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  // A file that is replaced stays until the new one is everywhere; a plugin is taken down before the new one is set up.
  if (known !== null && kind === "plugin" && override) dropGear(core, known, "replaced");
  const gear: Gear = {
    ...{ id: ++core.equipment.last, kind, name, functions, parts, bytes },
    ...{ by: session.name, at: core.now, errand: newErrand(session.id, id) },
  };
  keepGear(core, gear);
  return null;
}

function whyNot(
  core: Core,
  session: Session,
  { kind, name, override, draft, functions, data, dataBytes }: Equip,
  known: Gear | null,
  found: number,
): QuestionAnswer | null {
  if (known !== null && !override) {
    const message = `A ${kind} is registered as "${name}" already, by ${known.by}. Give another name, unregister it first, or register with { override: true }.`;
    return refused(kind === "plugin" ? "FLOCK_PLUGIN_EXISTS" : "FLOCK_FILE_FAILED", message);
  }
  if (found < functions.length) {
    return refused("FLOCK_FUNCTION_NOT_FOUND", `A function of the ${kind} "${name}" did not reach the scheduler.`);
  }
  if (data !== NO_PAYLOAD)
    return core.equipment.bytes + dataBytes > core.config.equipmentBudgetBytes ? full(core) : null;
  if (core.equipment.draft(session.id, draft) !== null) return null;
  return refused("FLOCK_FILE_FAILED", `The contents of "${name}" did not reach the scheduler; upload it again.`);
}

function unequip(core: Core, session: Session, kind: GearKind, name: string): QuestionAnswer {
  const known = [...core.equipment.gear.values()].filter((gear) => gear.kind === kind && gear.name === name);
  if (known.length === 0) return unknown(core, kind, name);
  for (const gear of known) dropGear(core, gear, "removed");
  core.happened(kind === "plugin" ? "pluginRemoved" : "fileRemoved", session.name, name);
  return DONE;
}

function equipmentFacts(core: Core, kind: GearKind): unknown {
  const kept = [...core.equipment.gear.values()].filter((gear) => gear.kind === kind && gear.errand === null);
  return kept.map(({ id, name, bytes, by, at, parts }) => {
    const having = [...core.workers.values()].filter((worker) => worker.gear.get(id) === parts.length);
    const workers = having.map((worker) => worker.name).sort();
    return { name, bytes, by, agoMs: Math.max(0, Math.round((core.now - at) / 1000)), workers };
  });
}

function unknown(core: Core, kind: GearKind, name: string): QuestionAnswer {
  const names = [...core.equipment.gear.values()].filter((gear) => gear.kind === kind).map((gear) => `"${gear.name}"`);
  const there = names.length === 0 ? "there are none" : `there are ${names.slice(0, NAMES_SHOWN).join(", ")}`;
  return refused(kind === "plugin" ? "FLOCK_PLUGIN_UNKNOWN" : "FLOCK_FILE_UNKNOWN", `No ${kind} "${name}"; ${there}.`);
}

function full({ equipment, config }: Core): QuestionAnswer {
  const message = `Plugins and uploaded files take ${equipment.bytes} of the ${config.equipmentBudgetBytes} bytes that the scheduler has for them. Remove some (client.removeFile), scatter large data instead, or put it on a disk that all workers see.`;
  return refused("FLOCK_FILES_FULL", message);
}

function refused(code: string, message: string): QuestionAnswer {
  return { value: null, error: { code, message } };
}
