// What happens in one run: who is there, what they want, and what goes wrong, all drawn from the seed.

import type { TaskOptionsData } from "@taskflock/protocol/words";
import { RESOURCE_UNIT } from "@taskflock/protocol/words";
import type { PlannedBurst, PlannedTask } from "./model-future.ts";
import { Random } from "./random.ts";
import type { SpecTraits, TaskSpec } from "./tasks.ts";
import { makesActor, TaskBook } from "./tasks.ts";
import type { WorkerTraits } from "./worker-process.ts";

export interface Scenario {
  readonly book: TaskBook;
  readonly workers: readonly WorkerTraits[];
  readonly clients: readonly (readonly PlannedBurst[])[];
  /** How long things go wrong, µs. */
  readonly activeUs: number;
  readonly faults: Faults;
  /** The share of pairs that cannot reach each other, but by way of the scheduler. */
  readonly apart: number;
  readonly inlineBudgetBytes: number;
  /** What a client's unfinished tasks may cost: often only a few of them. */
  readonly admissionBytes: number;
}

/** How often, per ms of the active time. */
export interface Faults {
  readonly cutClient: number;
  readonly cutWorker: number;
  readonly killWorker: number;
  readonly retireWorker: number;
  readonly joinWorker: number;
  readonly blockClient: number;
  readonly crashClient: number;
  /** A worker's memory is above its pause limit for a while; what it stores is damaged on its disk. */
  readonly pauseWorker: number;
  readonly spoil: number;
  /** A client restarts the cluster, or one worker. */
  readonly restart: number;
  readonly restartWorker: number;
  /** Per transfer. */
  readonly transfer: number;
}

export const noFaults: Faults = {
  cutClient: 0,
  cutWorker: 0,
  killWorker: 0,
  retireWorker: 0,
  joinWorker: 0,
  blockClient: 0,
  crashClient: 0,
  pauseWorker: 0,
  spoil: 0,
  restart: 0,
  restartWorker: 0,
  transfer: 0,
};

interface Style {
  readonly random: Random;
  readonly book: TaskBook;
  readonly kills: boolean;
  readonly disturbed: boolean;
  /** How many of the tasks are begun again elsewhere when they run long. */
  readonly speculates: number;
  readonly durationUs: readonly [number, number];
  readonly shared: TaskSpec[];
  /** What bursts look like; often mostly of one kind. */
  readonly shapes: readonly Shape[];
}

type Shape = (style: Style) => TaskSpec[];

export function drawScenario(seed: number): Scenario {
  const random = new Random(seed);
  const book = new TaskBook();
  const disturbed = random.chance(0.75);
  const durationUs = random.pick([
    [1, 30],
    [1, 3_000],
    [200, 20_000],
    [5, 50_000],
  ] as const);
  const kills = disturbed && random.chance(0.3);
  const speculates = random.chance(0.4) ? random.next() : 0;
  const shapes = drawShapes(random);
  const style: Style = { random, book, disturbed, kills, speculates, durationUs, shared: [], shapes };
  const activeUs = random.skewed(10_000, 800_000);
  for (let i = random.between(0, 8); i > 0; i--) style.shared.push(drawShared(style));
  return {
    book,
    workers: Array.from({ length: random.skewed(1, 12) }, (_, i) => drawWorker(random, i)),
    clients: Array.from({ length: random.between(1, 4) }, () => drawBursts(style, activeUs)),
    activeUs,
    faults: disturbed ? drawFaults(random) : noFaults,
    apart: random.chance(0.3) ? random.next() : 0,
    inlineBudgetBytes: random.chance(0.2) ? 2_000 : 256 * 2 ** 20,
    admissionBytes: random.chance(0.3) ? random.skewed(1, 50_000) : 256 * 2 ** 20,
  };
}

function drawWorker(random: Random, index: number): WorkerTraits {
  const resources: Record<string, number> = index === 0 || random.chance(0.3) ? { GPU: RESOURCE_UNIT } : {};
  return { name: `w${index}`, slots: random.skewed(1, 6), resources: { ...resources, ROOM: 1000 * RESOURCE_UNIT } };
}

function drawShapes(random: Random): Shape[] {
  const shapes: Shape[] = [chain, wide, readers, layers, scattered, sharedOnes, misbehaving, acting];
  if (random.chance(0.5)) return shapes;
  const most = random.pick(shapes);
  return [...shapes, most, most, most, most];
}

/** A little of everything, or, often, much of one thing: races need it dense. */
function drawFaults(random: Random): Faults {
  const faults = drawAllFaults(random);
  if (random.chance(0.4)) return faults;
  const name = random.pick(Object.keys(dense) as (keyof Faults)[]);
  return { ...faults, [name]: dense[name] * random.next() };
}

const dense: Faults = {
  cutClient: 2,
  cutWorker: 2,
  killWorker: 0.3,
  retireWorker: 0.5,
  joinWorker: 0.3,
  blockClient: 1,
  crashClient: 0.01,
  pauseWorker: 1,
  spoil: 0.3,
  restart: 0.05,
  restartWorker: 0.5,
  transfer: 0.7,
};

function drawAllFaults(random: Random): Faults {
  const rough = random.skewed(1, 20);
  const some = (often: number): number => (random.chance(0.5) ? often * random.next() * rough : 0);
  return {
    cutClient: some(0.05),
    cutWorker: some(0.1),
    killWorker: some(0.03),
    retireWorker: some(0.03),
    joinWorker: some(0.03),
    blockClient: some(0.05),
    crashClient: some(0.005),
    pauseWorker: some(0.05),
    spoil: some(0.02),
    restart: random.chance(0.2) ? 0.02 * random.next() * rough : 0,
    restartWorker: some(0.03),
    transfer: random.chance(0.5) ? random.next() * 0.5 : 0,
  };
}

function drawBursts(style: Style, activeUs: number): PlannedBurst[] {
  const { random } = style;
  const bursts: PlannedBurst[] = [];
  for (let i = random.skewed(1, 16); i > 0; i--) {
    const shape = random.pick(style.shapes);
    const tasks = shape(style).map((spec) => drawPlan(style, spec));
    const keepMs = random.chance(0.2) ? random.skewed(1, 500) : null;
    // Nobody would end it when its client is gone and its run goes on.
    const endless = tasks.some(({ spec }) => spec.endless && spec.options.timeoutMs === 0);
    bursts.push({ atUs: random.between(0, activeUs), run: endless ? 0 : random.between(0, 2), keepMs, tasks });
  }
  return bursts.sort((a, b) => a.atUs - b.atUs);
}

function drawPlan({ random }: Style, spec: TaskSpec): PlannedTask {
  const cancel = (spec.endless && spec.options.timeoutMs === 0) || random.chance(0.02);
  return {
    spec,
    fetch: random.chance(0.5) && !makesActor(spec),
    releaseAfterUs: !spec.endless && random.chance(0.25) ? random.skewed(1, 100_000) : null,
    cancelAfterUs: cancel ? random.skewed(1, 100_000) : null,
  };
}

function chain(style: Style): TaskSpec[] {
  const specs: TaskSpec[] = [];
  for (let i = style.random.skewed(2, 120); i > 0; i--) specs.push(add(style, { inputs: specs.slice(-1) }));
  return specs;
}

/** Many side by side, then one that takes them all. */
function wide(style: Style): TaskSpec[] {
  const fn = style.random.between(1, 4);
  const many = Array.from({ length: style.random.skewed(2, 300) }, () => add(style, { fn }));
  return [...many, add(style, { inputs: many.slice(0, 20) })];
}

/** Many that read one large result. */
function readers(style: Style): TaskSpec[] {
  const { random } = style;
  const source = add(style, { bytes: random.between(100_000, 10 ** 6) });
  const fn = random.between(1, 4);
  return [source, ...Array.from({ length: random.skewed(3, 200) }, () => add(style, { fn, inputs: [source] }))];
}

function layers(style: Style): TaskSpec[] {
  const { random } = style;
  const specs: TaskSpec[] = [];
  for (let i = random.skewed(3, 150); i > 0; i--) {
    const inputs = new Set<TaskSpec>();
    if (specs.length > 0) for (let k = random.between(0, 3); k > 0; k--) inputs.add(random.pick(specs.slice(-10)));
    specs.push(add(style, { inputs: [...inputs] }));
  }
  return specs;
}

function scattered(style: Style): TaskSpec[] {
  const { random, book } = style;
  const data = Array.from({ length: random.between(1, 3) }, () =>
    book.add({
      kind: "scatter",
      bytes: random.chance(0.5) ? random.between(1, 4096) : random.between(5_000, 10 ** 6),
      broadcast: random.chance(0.3),
    }),
  );
  const readers = Array.from({ length: random.between(0, 12) }, () => add(style, { inputs: [random.pick(data)] }));
  if (!random.chance(0.2)) return [...data, ...readers];
  // a key that is taken for sure when other work comes under it
  const key = `data-${book.specs.length}`;
  const owner = book.add({ kind: "scatter", bytes: 10, key });
  return [...data, owner, add(style, { key, conflicts: true }), ...readers];
}

/** Tasks under keys that several clients use, and work of one's own on top of them. */
function sharedOnes(style: Style): TaskSpec[] {
  const taken = style.shared.filter(() => style.random.chance(0.6));
  const specs = new Set<TaskSpec>();
  for (const spec of taken) {
    for (const input of spec.inputs) specs.add(input);
    specs.add(spec);
  }
  const shared = [...specs];
  return [...shared, ...shared.slice(0, 4).map((input) => add(style, { inputs: [input] }))];
}

function drawShared(style: Style): TaskSpec {
  const inputs = style.shared.filter((s) => s.inputs.length === 0).slice(-1);
  return add(style, { inputs: style.random.chance(0.5) ? inputs : [], key: `key-${style.shared.length}` });
}

function misbehaving(style: Style): TaskSpec[] {
  const { random } = style;
  const specs: TaskSpec[] = [];
  for (let i = random.between(1, 6); i > 0; i--) {
    const bad = add(style, drawMischief(style));
    specs.push(bad);
    if (random.chance(0.5)) specs.push(add(style, { inputs: [bad] }));
  }
  return specs;
}

/** An actor and its calls; some wait for other work, some stop it. */
function acting(style: Style): TaskSpec[] {
  const { random, book, durationUs } = style;
  // Kept while it lives: so much of it is there that nobody waits for it.
  const placing = random.chance(0.2) ? { resources: { ROOM: random.pick([0.25, 1]) * RESOURCE_UNIT } } : {};
  const actor = book.add({
    bytes: 0,
    options: { isolation: random.chance(0.2) ? "actor-process" : "actor", ...placing },
  });
  const specs: TaskSpec[] = [actor];
  const others = Array.from({ length: random.between(0, 4) }, () => add(style, {}));
  const isCalm = random.chance(0.6);
  for (let i = random.skewed(1, 60); i > 0; i--) {
    const inputs = random.chance(0.15) ? [random.pick([...others, ...specs.slice(1), actor])] : [];
    const misdeed = isCalm || random.chance(0.9) ? {} : drawMisdeed(random);
    const call = book.add({
      durationUs: random.skewed(durationUs[0], durationUs[1]),
      bytes: random.chance(0.2) ? random.between(5_000, 10 ** 6) : random.between(1, 4_096),
      inputs: [actor, ...inputs.filter((input) => input !== actor)],
      ...misdeed,
      options: { ...misdeed.options, isolation: "call" },
    });
    specs.push(call);
    if (random.chance(0.1)) others.push(add(style, { inputs: [call] }));
  }
  return [...others, ...specs].sort((a, b) => a.id - b.id);
}

function drawMisdeed(random: Random): SpecTraits {
  const grace = { cancelGraceMs: random.between(0, 5) };
  switch (random.between(0, 2)) {
    case 0:
      return { fails: 1, exits: random.chance(0.3) };
    case 1:
      return { endless: true, heedsAbort: random.chance(0.5), options: grace };
    default:
      return { endless: true, heedsAbort: random.chance(0.5), options: { ...grace, timeoutMs: random.between(1, 20) } };
  }
}

function drawMischief(style: Style): SpecTraits {
  const { random } = style;
  const cancelGraceMs = random.between(0, 5);
  switch (random.between(0, style.kills ? 4 : 3)) {
    case 0: {
      const retries = random.between(0, 3);
      const fails = random.between(1, 4);
      return { fails, exits: random.chance(0.3), options: { retries, backoffMs: random.between(0, 3) } };
    }
    case 1:
      return { endless: true, heedsAbort: random.chance(0.5), options: { cancelGraceMs } };
    case 2:
      return {
        endless: true,
        heedsAbort: random.chance(0.5),
        options: { cancelGraceMs, timeoutMs: random.between(1, 20) },
      };
    case 3:
      // enough time, however slow: the time-out must not strike
      return { durationUs: 500, options: { timeoutMs: 1_000 } };
    default:
      return { kills: random.between(1, 5), options: { allowedFailures: random.between(0, 3) } };
  }
}

function add(style: Style, traits: SpecTraits): TaskSpec {
  const { random, book, durationUs } = style;
  const large = random.chance(0.3);
  return book.add({
    fn: random.between(1, 4),
    functions: random.chance(0.1) ? [random.between(1, 5), 6] : [],
    durationUs: random.skewed(durationUs[0], durationUs[1]),
    bytes: large ? random.between(5_000, 10 ** 6) : random.between(1, 4_096),
    ...traits,
    options: { speculate: random.chance(style.speculates), ...drawOptions(random), ...traits.options },
  });
}

function drawOptions(random: Random): Partial<TaskOptionsData> {
  if (random.chance(0.8)) return {};
  const choice = random.between(0, 4);
  if (choice === 4) return drawLimits(random);
  if (choice === 0) return { priority: random.between(-5, 5) };
  if (choice === 1) return { resources: { GPU: random.pick([0.25, 0.5, 1]) * RESOURCE_UNIT } };
  if (choice === 2) return { workers: [`w${random.between(0, 4)}`], allowOtherWorkers: random.chance(0.7) };
  return { isolation: "process" };
}

/** Limits that strike, some of them while nobody could run the task, and limits that never do. */
function drawLimits(random: Random): Partial<TaskOptionsData> {
  const choice = random.between(0, 3);
  if (choice === 0) return { deadlineMs: random.skewed(1, 200) };
  if (choice === 1) return { deadlineMs: 86_400_000 };
  if (choice === 2) return { noWorkerTimeoutMs: random.skewed(1, 200) };
  return {
    noWorkerTimeoutMs: random.skewed(1, 200),
    workers: [`w${random.between(0, 8)}`],
    resources: { GPU: RESOURCE_UNIT },
  };
}
