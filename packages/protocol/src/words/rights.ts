// Which role may say and ask what: one table, which names every hello, message and question. Checked in the scheduler's shell before the
// machine hears of it, and by the client for what it can know itself.

import type { ClientToScheduler } from "./client-messages.ts";
import { FlockError } from "./errors.ts";
import type { Hello } from "./handshake.ts";
import type { Question } from "./questions.ts";
import type { Identity, Role } from "./roles.ts";

/**
 * `look`: to see what there is. `work`: to submit, and to do with one's own work and with shared data what one likes. `join`: to be a worker
 * or its nanny. `manage`: what concerns the workers as such, or the work of everybody.
 */
export type Right = "look" | "work" | "join" | "manage";

const rightsOf: Readonly<Record<Role, readonly Right[]>> = {
  admin: ["look", "work", "join", "manage"],
  submitter: ["look", "work"],
  viewer: ["look"],
  worker: ["look", "work", "join"],
};

/** Null: nobody; peers do not come to the scheduler's port. */
export const helloRights: Readonly<Record<Hello["role"], Right | null>> = {
  client: "look",
  worker: "join",
  nanny: "join",
  relay: "work",
  peer: null,
};

/** `ask`: by its question. */
export const messageRights: Readonly<Record<ClientToScheduler["t"], Right>> = {
  function: "work",
  options: "work",
  openRun: "work",
  reportRun: "work",
  closeRun: "work",
  runDetails: "work",
  submit: "work",
  scatter: "work",
  notKept: "work",
  release: "work",
  cancel: "work",
  locate: "work",
  unavailable: "work",
  ask: "look",
  goodbye: "look",
};

type QuestionRights = {
  readonly [Q in Question["q"]]: Right | ((question: Extract<Question, { readonly q: Q }>) => Right);
};

/** Files belong to functions; plugins change every worker. */
const gear = ({ kind }: { readonly kind: "plugin" | "file" }): Right => (kind === "plugin" ? "manage" : "work");

export const questionRights: QuestionRights = {
  // What there is, and what happened.
  cluster: "look",
  story: "look",
  storyOfKey: "look",
  why: "look",
  whyKey: "look",
  waitForWorkers: "look",
  waitForNamed: "look",
  datasets: "look",
  whoHas: "look",
  hasWhat: "look",
  scale: "look",
  events: "look",
  logs: "look",
  startProfile: "look",
  takeProfile: "look",
  dump: "look",
  equipment: "look",
  sharedInfo: "look",
  pageOverview: "look",
  pageWorkers: "look",
  pageWorker: "look",
  pageGone: "look",
  pageSpans: "look",
  pageTasks: "look",
  pageTask: "look",
  pageFunction: "look",
  pageGraph: "look",
  pageTransfers: "look",
  pageDetails: "look",
  pageFailures: "look",
  pagePlaces: "look",
  ping: "look",
  // Of the link itself: about questions that were asked before.
  giveUp: "look",
  answerAgain: "look",
  heard: "look",
  // One's own work, and data that is shared.
  call: "work",
  inputs: "work",
  actor: "work",
  publish: "work",
  dataset: "work",
  referToDataset: "work",
  unpublish: "work",
  fireAndForget: "work",
  replicate: "work",
  rebalance: "work",
  attach: "work",
  attachTasks: "work",
  forgetRun: "work",
  note: "work",
  hearReports: "work",
  tellTask: "work",
  tellPlaces: "work",
  filePart: "work",
  equip: gear,
  unequip: gear,
  queuePut: "work",
  queueGet: "work",
  acquire: "work",
  releaseLease: "work",
  eventSet: "work",
  eventWait: "work",
  variableSet: "work",
  variableGet: "work",
  sharedDelete: "work",
  // The workers as such, and everybody's work.
  retire: "manage",
  retireIdle: "manage",
  scaledUp: "manage",
  restart: "manage",
  restartWorkers: "manage",
  pageCancel: "manage",
};

export function may(role: Role, right: Right): boolean {
  return rightsOf[role].includes(right);
}

export function rightToAsk(question: Question): Right {
  const right = questionRights[question.q] as Right | ((question: Question) => Right);
  return typeof right === "string" ? right : right(question);
}

/** What who would need to do what: `what` completes "may not". */
export function forbidden({ user, role }: Identity, what: string, right: Right | null): FlockError {
  const able = (Object.keys(rightsOf) as Role[]).filter((one) => right !== null && may(one, right));
  const whose = user === "" ? "The token that was shown" : `User ${user}`;
  const needed = able.length === 0 ? "no role may" : `that takes the role ${able.join(" or ")}`;
  return new FlockError("FLOCK_FORBIDDEN", `${whose} has the role ${role} and may not ${what}: ${needed}.`);
}
