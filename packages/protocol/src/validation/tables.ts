// Every field of every message, with what it may hold. The limits here are the wire's; options have narrower ones (client).

import {
  type Directions,
  errorRegistry,
  isolations,
  MAX_GPUS,
  MOVED_LARGE,
  MOVED_SOURCES,
  roles,
  tensorPlaces,
} from "../words/index.ts";
import { codePlaces } from "./code-places.ts";
import {
  choice,
  type Field,
  type Fields,
  finite,
  flag,
  type IntField,
  int,
  list,
  nullable,
  optionalPayload,
  payload,
  plain,
  record,
  type TextField,
  text,
  variants,
} from "./fields.ts";
import { question } from "./questions.ts";
import { detailEntries } from "./run-details.ts";
import {
  bytes,
  hash,
  key,
  line,
  MAX,
  MAX_ELEMENTS,
  millis,
  name,
  natural,
  positive,
  resources,
  stream,
  taskId,
} from "./terms.ts";

const metrics = record({
  cpuPercent: finite,
  rssBytes: bytes,
  arenaBytes: bytes,
  arenaUsedBytes: bytes,
  spilledBytes: bytes,
  spillCount: natural,
  resumedFetches: natural,
  damagedParts: natural,
  eventLoopDelayMs: finite,
  gpus: list(
    record({
      device: name,
      name,
      utilization: nullable(finite),
      memoryUsedBytes: nullable(bytes),
      memoryTotalBytes: nullable(bytes),
    }),
    MAX_GPUS,
  ),
});
const tensors = record({
  where: choice(...tensorPlaces),
  backend: name,
  versions: list(name, 64),
  device: nullable(name),
  passedOver: list(record({ backend: name, why: name }), 64),
});
const errorCode = nullable(choice(...Object.keys(errorRegistry)));
const failure = record({
  code: errorCode,
  name,
  message: text(16_384),
  error: optionalPayload("errorBytes"),
  errorBytes: bytes,
});
const options = record({
  priority: int(-1_000_000, 1_000_000),
  retries: int(0, 1_000),
  backoffMs: millis,
  timeoutMs: millis,
  deadlineMs: millis,
  noWorkerTimeoutMs: millis,
  allowedFailures: int(0, 1_000_000),
  cancelGraceMs: millis,
  resources,
  workers: list(name, 10_000),
  allowOtherWorkers: flag,
  isolation: choice(...isolations),
  speculate: flag,
});
const holder = record({ worker: positive, address: name, version: natural });
const whyMissing = choice("gone", "unreachable", "relay");
const holders: Field = list(holder, 10_000);
const holdings: Field = list(record({ task: taskId, bytes, version: natural }), MAX_ELEMENTS);
const counts = record({ total: natural, done: natural, failed: natural, cancelled: natural, running: natural });
const workerHello = record({
  name,
  incarnation: hash,
  nanny: flag,
  pid: natural,
  slots: int(1, 65_536),
  resources,
  memoryLimitBytes: bytes,
  peerAddress: name,
});
const input = record({ task: taskId, bytes, inline: optionalPayload("bytes"), holders });

/** One table per direction; each entry has exactly the fields of its message. */
type Table<D extends keyof Directions> = {
  readonly [K in Directions[D]["t"]]: {
    readonly [F in Exclude<keyof Extract<Directions[D], { t: K }>, "t">]: Field;
  };
};

const client = {
  function: { fn: positive, hash, name, code: payload("codeBytes"), codeBytes: bytes },
  options: { options: positive, data: options },
  openRun: { run: positive, name, weight: finite, steps: natural, keepMs: nullable(millis) },
  reportRun: { run: natural, stepsDone: natural },
  closeRun: { run: natural, outcome: choice("done", "failed", "stopped", "cancelled") },
  runDetails: { run: natural, entries: detailEntries },
  submit: {
    n: positive,
    fn: positive,
    functions: list(positive, MAX_ELEMENTS),
    args: payload("argsBytes"),
    argsBytes: bytes,
    deps: list(positive, MAX_ELEMENTS),
    options: natural,
    run: natural,
    key: nullable(name),
    fingerprint: nullable(hash),
  },
  scatter: {
    n: positive,
    key: nullable(name),
    fingerprint: nullable(hash),
    name,
    bytes,
    data: optionalPayload("bytes"),
    broadcast: flag,
    workers: list(name, 10_000),
    kept: flag,
  },
  notKept: { n: positive },
  release: { n: positive },
  cancel: { n: positive, reason: line },
  locate: { n: positive },
  unavailable: { n: positive, holder: positive, version: natural, why: whyMissing },
  ask: { id: natural, question },
  goodbye: {},
} satisfies Table<"client">;

const toClient = {
  done: { n: positive, bytes, result: optionalPayload("bytes") },
  failed: { n: positive, failure, worker: name, attempt: natural, failedKey: nullable(key) },
  cancelled: { n: positive, reason: line },
  located: { n: positive, task: taskId, bytes, holders, inline: optionalPayload("bytes") },
  uploadTo: { n: positive, task: taskId, holders },
  answer: {
    id: natural,
    value: plain,
    error: nullable(record({ code: name, message: line })),
    data: optionalPayload("dataBytes"),
    dataBytes: bytes,
  },
  runProgress: { run: natural, counts },
  log: { n: positive, worker: name, stream, text: line },
  report: { n: positive, data: payload("dataBytes"), dataBytes: bytes },
  credit: { bytes: natural },
  notice: { level: choice("info", "warn"), text: line },
  placesWanted: { places: codePlaces },
} satisfies Table<"toClient">;

const toWorker = {
  function: { fn: natural, hash, name, code: payload("codeBytes"), codeBytes: bytes },
  forgetFunction: { fn: natural },
  assign: {
    task: taskId,
    attempt: positive,
    key,
    fn: natural,
    functions: list(natural, MAX_ELEMENTS),
    args: payload("argsBytes"),
    argsBytes: bytes,
    inputs: list(input, MAX_ELEMENTS),
    order: int(-MAX, MAX),
    timeoutMs: millis,
    cancelGraceMs: millis,
    isolation: choice(...isolations),
    solo: flag,
    expectedUs: natural,
    gpu: natural,
  },
  profile: { intervalUs: natural },
  tell: { task: taskId, attempt: positive, data: payload("dataBytes"), dataBytes: bytes },
  equip: {
    gear: positive,
    kind: choice("plugin", "file"),
    name,
    functions: list(natural, MAX_ELEMENTS),
    part: natural,
    parts: positive,
    data: optionalPayload("dataBytes"),
    dataBytes: bytes,
  },
  unequip: { gear: positive },
  drop: { task: taskId },
  stop: { task: taskId, attempt: positive, why: choice("cancelled", "stolen") },
  acquire: { task: taskId, bytes, holders },
  expect: { task: taskId, bytes },
  relay: { key: hash },
  retire: {},
  leave: { restart: flag },
  configure: { inlineLimitBytes: bytes },
} satisfies Table<"toWorker">;

const worker = {
  started: { task: taskId, attempt: positive },
  finished: {
    task: taskId,
    attempt: positive,
    bytes,
    result: optionalPayload("bytes"),
    version: natural,
    durationUs: natural,
  },
  errored: { task: taskId, attempt: positive, failure, retryable: flag, durationUs: natural },
  stopped: {
    task: taskId,
    attempt: positive,
    why: choice("cancelled", "stolen", "predecessor", "input", "retiring"),
  },
  report: { task: taskId, attempt: positive, data: payload("dataBytes"), dataBytes: bytes },
  profiled: { data: optionalPayload("dataBytes"), dataBytes: bytes, message: line },
  equipped: {
    gear: positive,
    part: natural,
    slots: natural,
    failure: nullable(record({ name: line, message: line, stack: line })),
  },
  held: { task: taskId, bytes, version: natural },
  notHeld: { task: taskId, message: line, code: errorCode },
  missing: { task: taskId, holder: positive, version: natural, why: whyMissing },
  actorEnded: { task: taskId, how: line },
  wantsToRetire: { reason: line },
  spotNotice: { text: line },
  pausing: { paused: flag, reason: line },
  spoiled: { task: taskId, version: natural },
  heartbeat: { metrics },
  moved: {
    sources: list(record({ from: natural, bytes, count: natural, us: natural, failures: natural }), MOVED_SOURCES),
    large: list(record({ task: taskId, from: natural, bytes, us: natural, agoUs: natural }), MOVED_LARGE),
  },
  tensors: { tensors: list(tensors, 64) },
  log: { task: taskId, attempt: positive, stream, text: line },
  snapshotPart: { holds: holdings },
  snapshot: {
    holds: holdings,
    tasks: list(record({ task: taskId, attempt: positive, running: flag }), MAX_ELEMENTS),
    functions: list(natural, MAX_ELEMENTS),
    expects: list(taskId, MAX_ELEMENTS),
    equipment: list(record({ gear: positive, parts: natural }), MAX_ELEMENTS),
  },
} satisfies Table<"worker">;

const nanny = { exited: { incarnation: hash, how: line } } satisfies Table<"nanny">;

/** Narrow types for the columns of the hot kinds, wide ones for everybody else. */
export const hotFields: {
  readonly ids: { readonly positive: IntField; readonly natural: IntField; readonly taskId: IntField };
  readonly sizes: { readonly bytes: IntField; readonly millis: IntField; readonly order: IntField };
  readonly texts: { readonly name: TextField; readonly hash: TextField; readonly key: TextField };
} = {
  ids: { positive, natural, taskId },
  sizes: { bytes, millis, order: int(-MAX, MAX) },
  texts: { name, hash, key },
};

export const messageFields: { readonly [D in keyof Directions]: Readonly<Record<string, Fields>> } = {
  client,
  toClient,
  toWorker,
  worker,
  nanny,
};

const resume = nullable(record({ id: natural, secret: hash }));
const greeting = { protocol: natural, token: text(512) };

/** First frames on a connection. */
export const handshakeFields: Readonly<Record<"hello" | "welcome" | "refused", Field>> = {
  hello: variants("role", {
    client: { t: choice("hello"), ...greeting, name, observer: flag, resume },
    worker: { t: choice("hello"), ...greeting, worker: workerHello, resume },
    nanny: { t: choice("hello"), ...greeting, name },
    peer: { t: choice("hello"), ...greeting, name },
    relay: { t: choice("hello"), ...greeting, side: choice("reader", "holder"), key: hash },
  }),
  welcome: record({
    t: choice("welcome"),
    protocol: natural,
    scheduler: hash,
    id: natural,
    name,
    secret: hash,
    user: name,
    role: choice(...roles),
    peerKey: hash,
    peersUseTls: flag,
    resumed: flag,
    received: natural,
    maxFrameBytes: natural,
    creditBytes: natural,
    admissionBytes: positive,
    inlineLimitBytes: bytes,
    now: natural,
  }),
  refused: record({ t: choice("refused"), code: name, message: line }),
};
