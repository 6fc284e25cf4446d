// Sessions and workers that have shown the token, and say anything: mostly frames that are valid, of things that are others' or nobody's,
// and now and then one that is broken.

import { decodeFrame } from "../../packages/protocol/src/frames/frames.ts";
import { PayloadStore } from "../../packages/protocol/src/payload-store.ts";
import { PROTOCOL_VERSION } from "../../packages/protocol/src/words/index.ts";
import type { Arena, Attack } from "./attack.ts";
import { brokenFrame, reading, validFrame } from "./frames.ts";
import type { Random } from "./random.ts";
import { type Direction, kindsOf, questionFields, type Row } from "./samples.ts";
import { type Heard, opening, type Script, talk } from "./talk.ts";
import { clientFrame, frameHeader, OPCODE, wireRubbish } from "./wire.ts";

/** What one connection sends, and what is to come of it. */
interface Plan {
  readonly pieces: Buffer[];
  /** Of the messages that the server takes. */
  readonly kinds: Set<string>;
  /** Frames that the server looks at. */
  looked: number;
  /** The number of the last one that it takes. */
  received: number;
  ends: "no" | "refused" | "forbidden" | "rubbish" | "goodbye";
}

interface PlanOptions {
  readonly direction: Direction;
  readonly frames: number;
  readonly isObserver: boolean;
  row(): Row;
}

function planOf(random: Random, options: PlanOptions): Plan {
  const { direction } = options;
  const plan: Plan = { pieces: [], kinds: new Set(), looked: 0, received: 0, ends: "no" };
  for (let i = 0; i < options.frames && plan.ends === "no"; i++) {
    const rows = Array.from({ length: random.pick([1, 1, 1, 2, 4]) }, () => options.row());
    const isLast = i === options.frames - 1;
    const frame =
      isLast && random.oneIn(2)
        ? brokenFrame(random, direction, plan.received + 1, rows)
        : validFrame(direction, plan.received + (random.oneIn(40) ? random.pick([0, -1, 2]) : 1), rows);
    if (isLast && random.oneIn(6)) {
      plan.pieces.push(wireRubbish(random, frame));
      plan.ends = "rubbish";
      plan.looked++;
      break;
    }
    look(plan, options, frame);
    plan.pieces.push(...inPieces(random, frame));
  }
  return plan;
}

function look(plan: Plan, { direction, isObserver }: PlanOptions, frame: Buffer): void {
  const { is, kinds } = reading(direction, frame, plan.received);
  plan.looked++;
  if (is === "refused") plan.ends = "refused";
  if (is !== "taken") return;
  plan.received++;
  for (const kind of kinds) plan.kinds.add(kind);
  if (isObserver && kinds.some((kind) => !kind.startsWith("ask ") && kind !== "goodbye")) plan.ends = "forbidden";
  else if (kinds.includes("goodbye")) plan.ends = "goodbye";
}

/** Mostly one; sometimes fragments with a ping between them. */
function inPieces(random: Random, frame: Buffer): Buffer[] {
  if (!random.oneIn(12)) return [clientFrame(frame)];
  const cut = random.below(frame.length + 1);
  return [
    Buffer.concat([frameHeader(0x02, cut), frame.subarray(0, cut)]),
    clientFrame(Buffer.from("?"), OPCODE.ping),
    Buffer.concat([frameHeader(0x80, frame.length - cut), frame.subarray(cut)]),
  ];
}

/** All in one, or in many tiny parts. */
function written(random: Random, pieces: readonly Buffer[]): Buffer[] {
  const all = Buffer.concat(pieces);
  if (!random.oneIn(40)) return [all];
  const parts: Buffer[] = [];
  for (let at = 0; at < all.length && parts.length < 200; ) {
    const to = parts.length === 199 ? all.length : at + random.between(1, 9);
    parts.push(all.subarray(at, to));
    at = to;
  }
  return parts;
}

const isDone = (plan: Plan, heard: Heard): boolean => plan.ends === "no" && heard.acked >= plan.received;

function judge(arena: Arena, what: string, plan: Plan, heard: Heard, mayEndEarly: boolean): void {
  const { tally } = arena;
  tally.connections++;
  tally.sent += plan.looked;
  const isRefused = heard.refused !== "" || (heard.closeCode !== 0 && heard.closeCode !== 1000);
  tally.judged += plan.ends === "no" ? Math.min(plan.looked, heard.acked) : plan.looked;
  if (heard.acked >= plan.received) for (const kind of plan.kinds) tally.kinds.add(`${what} ${kind}`);
  tally.count(`${what}: ${plan.ends === "no" ? "taken" : plan.ends}`);
  const told = `${what}, ${plan.received} of ${plan.looked} frames to be taken, ${plan.ends}: ${JSON.stringify({ ...heard, welcome: heard.welcome?.id })}`;
  if (heard.isStuck) tally.problem(`stuck: ${told}`);
  else if (heard.welcome === null) tally.problem(`no welcome: ${told}`);
  else if (mayEndEarly) return;
  else if (plan.ends === "refused" && heard.refused !== "FLOCK_PROTOCOL") tally.problem(`not refused: ${told}`);
  else if (plan.ends === "forbidden" && heard.refused !== "FLOCK_FORBIDDEN") tally.problem(`not forbidden: ${told}`);
  else if (plan.ends === "no" && (isRefused || heard.acked < plan.received)) tally.problem(`not taken: ${told}`);
}

// ---------------------------------------------------------------- clients

export const clientAttack: Attack = async (arena) => {
  const { random, samples, ports } = arena;
  samples.pools = arena.known;
  const isObserver = random.oneIn(8);
  const options = {
    direction: "client" as const,
    frames: random.between(1, 60),
    isObserver,
    row: () => clientRow(arena),
  };
  const plan = planOf(random, options);
  const { hello } = greeting(arena, "client");
  const isDeaf = random.oneIn(60);
  const says = random.oneIn(3);
  const script: Script = {
    opening: opening(ports.scheduler, { ...hello, observer: isObserver }),
    welcomed: () => written(random, plan.pieces),
    isOver: (heard) => isDone(plan, heard),
    isDeaf,
    ...(isDeaf || plan.ends === "rubbish" ? { leavesAfterMs: 300 } : {}),
    ...(says ? { last: () => clientFrame(validFrame("client", plan.received + 1, [{ t: "goodbye" }])) } : {}),
  };
  const heard = await talk({ port: ports.scheduler }, script);
  judge(arena, "client", plan, heard, isDeaf || plan.ends === "rubbish" || plan.ends === "goodbye");
};

const QUESTIONS = Object.keys(questionFields());
const CLIENT_KINDS = kindsOf("client");
/** Of the cluster as a whole: the steady worker would be stopped, and its tasks with it. They have tests of their own. */
export const NOT_HERE: readonly string[] = ["restart", "waitForNamed"];
const NAMED: readonly string[] = ["restartWorkers", "retire", "retireIdle", "startProfile", "takeProfile"];

function clientRow({ random, samples, known }: Arena): Row {
  const kind = random.oneIn(4) ? "submit" : random.oneIn(8) ? "ask" : random.pick(CLIENT_KINDS);
  if (kind === "goodbye" && !random.oneIn(40)) return samples.message("client", "release");
  if (kind !== "ask") return tamed(random, samples.message("client", kind));
  let q = random.pick(QUESTIONS);
  if (NOT_HERE.includes(q)) q = "cluster";
  const row = samples.question(q);
  const question = row["question"] as Row;
  if (NAMED.includes(q) && "workers" in question) question["workers"] = [random.pick(known.workerNames) ?? "nobody"];
  if (q === "takeProfile") question["worker"] = random.pick(known.workerNames) ?? "nobody";
  if (q === "pageCancel") Object.assign(question, { tasks: known.tasks.slice(-2), run: 0 });
  return row;
}

/** What would only cost time: a process for every rubbish task. */
function tamed(random: Random, row: Row): Row {
  const data = row["data"] as Row | undefined;
  if (row["t"] === "options" && data?.["isolation"] === "process" && !random.oneIn(50)) data["isolation"] = "thread";
  if (row["t"] === "openRun" && typeof row["keepMs"] === "number") row["keepMs"] = Math.min(row["keepMs"], 500);
  return row;
}

// ---------------------------------------------------------------- workers

const WORKER_KINDS = kindsOf("worker");

/** Also answers what it is given to do, rightly or not. */
export const workerAttack: Attack = async (arena) => {
  const { random, samples, ports, known } = arena;
  const { hello, incarnation } = greeting(arena, "worker");
  const mine: Row[] = [];
  const row = (): Row => {
    samples.pools = known;
    const one = samples.message("worker", random.pick(WORKER_KINDS));
    const given = mine.length > 0 && !random.oneIn(3) ? random.pick(mine) : null;
    return given === null || !("task" in one) ? one : { ...one, task: given["task"], ...attemptOf(one, given) };
  };
  // Begins as a worker does, mostly: nothing is sent to it before.
  const begun = { ...samples.message("worker", "snapshot"), tasks: [] };
  const first = validFrame("worker", 1, random.oneIn(5) ? [row()] : [begun]);
  let plan: Plan = { pieces: [], kinds: new Set(), looked: 1, received: 1, ends: "no" };
  let rounds = random.between(1, 4);
  const script: Script = {
    opening: opening(ports.scheduler, hello),
    welcomed: ({ id, name }) => {
      remember(known.workers, id, 12);
      remember(known.workerNames, name, 12);
      return [clientFrame(first)];
    },
    heard: (frame) => {
      learn(frame, mine, known.tasks);
      if (rounds === 0 || plan.ends !== "no" || frame.readDoubleLE(9) < plan.received) return null;
      rounds--;
      plan = goOn(random, plan, { direction: "worker", frames: random.between(5, 60), isObserver: false, row });
      return Buffer.concat(written(random, plan.pieces.splice(0)));
    },
    isOver: (heard) => rounds === 0 && isDone(plan, heard),
  };
  const heard = await talk({ port: ports.scheduler }, script);
  judge(arena, "worker", plan, heard, true);
  await nannyTells(arena, incarnation);
};

function goOn(random: Random, before: Plan, options: PlanOptions): Plan {
  const more = planFrom(random, before.received, options);
  for (const kind of before.kinds) more.kinds.add(kind);
  return { ...more, looked: before.looked + more.looked };
}

function planFrom(random: Random, received: number, options: PlanOptions): Plan {
  const plan = planOf(random, { ...options, frames: 0 });
  plan.received = received;
  for (let i = 0; i < options.frames && plan.ends === "no"; i++) {
    const rows = [options.row()];
    const isBroken = i === options.frames - 1 && random.oneIn(8);
    const frame = isBroken
      ? brokenFrame(random, options.direction, plan.received + 1, rows)
      : validFrame(options.direction, plan.received + 1, rows);
    look(plan, options, frame);
    plan.pieces.push(...inPieces(random, frame));
  }
  return plan;
}

function attemptOf(one: Row, given: Row): Row {
  return "attempt" in one && "attempt" in given ? { attempt: given["attempt"] } : {};
}

/** What it was told of tasks. */
function learn(frame: Buffer, mine: Row[], tasks: number[]): void {
  const { messages } = decodeFrame("toWorker", frame, new PayloadStore());
  for (const message of messages as unknown as readonly Row[]) {
    if (typeof message["task"] !== "number") continue;
    remember(mine, message, 30);
    remember(tasks, message["task"], 60);
  }
}

function remember<T>(list: T[], value: T, most: number): void {
  list.push(value);
  if (list.length > most) list.shift();
}

/** So that the scheduler does not wait for the worker to come back. */
async function nannyTells({ ports, tally, random, samples }: Arena, incarnation: string): Promise<void> {
  const rows = [{ t: "exited", incarnation, how: "SIGKILL" }, samples.message("nanny", "exited")];
  const plan: Plan = { pieces: [], kinds: new Set(), looked: 0, received: 0, ends: "no" };
  for (const row of rows) {
    const frame =
      row === rows[1] && random.oneIn(3)
        ? brokenFrame(random, "nanny", 2, [row])
        : validFrame("nanny", plan.received + 1, [row]);
    look(plan, { direction: "nanny", frames: 1, isObserver: false, row: () => row }, frame);
    plan.pieces.push(clientFrame(frame));
  }
  const hello = { t: "hello", role: "nanny", protocol: PROTOCOL_VERSION, token: ports.token, name: "nanny" };
  const heard = await talk(
    { port: ports.scheduler },
    {
      opening: opening(ports.scheduler, hello),
      welcomed: () => plan.pieces,
      isOver: (one) => isDone(plan, one),
    },
  );
  judge({ tally } as Arena, "nanny", plan, heard, false);
}

function greeting({ samples, ports, random }: Arena, role: "client" | "worker"): { hello: Row; incarnation: string } {
  const hello = samples.hello(role);
  const incarnation = `fuzz-${random.below(2 ** 32)}`;
  const worker = hello["worker"] as Row | undefined;
  if (worker !== undefined) {
    worker["incarnation"] = incarnation;
    worker["peerAddress"] = random.pick(["", "127.0.0.1:1", "nowhere", "127.0.0.1:99999", "[::1]:2"]);
    worker["slots"] = random.pick([1, 2, 8, 65_536]);
  }
  if (!random.oneIn(4)) hello["resume"] = null;
  return { hello: { ...hello, protocol: PROTOCOL_VERSION, token: ports.token }, incarnation };
}
