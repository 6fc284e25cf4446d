// What happens in one run: who is there, what they want, and what goes wrong. All of it is drawn from the seed before the run begins.

import { RESOURCE_UNIT } from "@taskflock/protocol/words";
import { drawErrands, type PlannedErrand } from "./errands.ts";
import { drawFaults, type PlannedFault } from "./faults.ts";
import type { PlannedBurst } from "./model-future.ts";
import { Random } from "./random.ts";
import { drawBursts, drawShapes, drawShared, type Style } from "./shapes.ts";
import { TaskBook } from "./tasks.ts";
import type { WorkerTraits } from "./worker-process.ts";

export interface PlannedClient {
  readonly name: string;
  readonly bursts: readonly PlannedBurst[];
}

export interface Scenario {
  readonly seed: number;
  readonly book: TaskBook;
  readonly workers: readonly WorkerTraits[];
  readonly clients: readonly PlannedClient[];
  /** How long things go wrong, µs. */
  readonly activeUs: number;
  /** Something may go wrong: more is forgiven then. */
  readonly disturbed: boolean;
  readonly faults: readonly PlannedFault[];
  readonly errands: readonly PlannedErrand[];
  /** How likely a transfer fails, and an input that is read is damaged, as long as things go wrong. */
  readonly transferTrouble: number;
  readonly spoilTrouble: number;
  /** The share of pairs that cannot reach each other, but by way of the scheduler. */
  readonly apart: number;
  readonly inlineBudgetBytes: number;
  /** What a client's unfinished tasks may cost: often only a few of them. */
  readonly admissionBytes: number;
  /** After a cut, how long a party may stay away. */
  readonly clientPatienceUs: number;
  readonly workerPatienceUs: number;
}

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
  const workers = Array.from({ length: random.skewed(1, 12) }, (_, i) => drawWorker(random, i));
  const clients = Array.from({ length: random.between(1, 4) }, (_, i) => ({
    name: `client${i}`,
    bursts: drawBursts(style, activeUs),
  }));
  const faults = disturbed ? drawFaults(random, activeUs) : [];
  return {
    seed,
    book,
    workers,
    clients,
    activeUs,
    disturbed,
    faults,
    errands: drawErrands(
      random,
      clients.map(({ name }) => name),
      activeUs,
    ),
    transferTrouble: disturbed && random.chance(0.5) ? random.next() * 0.6 : 0,
    spoilTrouble: faults.some(({ kind }) => kind === "spoil") ? 0.02 : 0,
    apart: random.chance(0.3) ? random.next() : 0,
    inlineBudgetBytes: random.chance(0.2) ? 2_000 : 256 * 2 ** 20,
    admissionBytes: random.chance(0.3) ? random.skewed(1, 50_000) : 256 * 2 ** 20,
    clientPatienceUs: random.pick([50_000, 200_000, 200_000]),
    workerPatienceUs: random.pick([5_000, 30_000, 300_000]),
  };
}

function drawWorker(random: Random, index: number): WorkerTraits {
  const resources: Record<string, number> =
    index === 0 || random.chance(0.3) ? { GPU: random.pick([1, 2]) * RESOURCE_UNIT } : {};
  return { name: `w${index}`, slots: random.skewed(1, 6), resources: { ...resources, ROOM: 1000 * RESOURCE_UNIT } };
}
