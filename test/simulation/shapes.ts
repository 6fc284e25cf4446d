// What clients want computed: bursts of tasks in a few shapes, drawn from the seed.

import type { TaskOptionsData } from "@taskflock/protocol/words";
import { RESOURCE_UNIT } from "@taskflock/protocol/words";
import type { PlannedBurst, PlannedTask } from "./model-future.ts";
import type { Random } from "./random.ts";
import type { SpecTraits, TaskBook, TaskSpec } from "./tasks.ts";
import { makesActor } from "./tasks.ts";

export interface Style {
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

export type Shape = (style: Style) => TaskSpec[];

export function drawShapes(random: Random): Shape[] {
  const shapes: Shape[] = [chain, wide, readers, layers, scattered, sharedOnes, misbehaving, acting];
  if (random.chance(0.5)) return shapes;
  const most = random.pick(shapes);
  return [...shapes, most, most, most, most];
}

export function drawBursts(style: Style, activeUs: number): PlannedBurst[] {
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
    fetch: random.chance(makesActor(spec) ? 0.1 : 0.5),
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
  const data = Array.from({ length: random.between(1, 3) }, () => {
    const kept = random.chance(0.5);
    const small = !kept && random.chance(0.5);
    const bytes = small ? random.between(1, 4096) : random.between(5_000, 10 ** 6);
    return book.add({ kind: "scatter", bytes, kept, broadcast: !kept && random.chance(0.3) });
  });
  const readers = Array.from({ length: random.between(0, 12) }, () => add(style, { inputs: [random.pick(data)] }));
  if (random.chance(0.3))
    readers.push(...readers.slice(0, 3).map((input) => add(style, { inputs: [input, random.pick(data)] })));
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

export function drawShared(style: Style): TaskSpec {
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
    key: random.chance(0.5) ? `actor-${book.specs.length}` : null,
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
