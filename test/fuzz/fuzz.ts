// The fuzz: so many frames and requests, from one seed, in rounds; after each of them all is forgotten and the memory is looked at.

import { type Arena, type Attack, type Ports, Tally } from "./attack.ts";
import { AttackedCluster, type Beside } from "./cluster.ts";
import { helloAttack, relayAttack } from "./hello-attacks.ts";
import { requestAttack, rubbishAttack, SLOWLY, slowLoris } from "./http-attacks.ts";
import { clientAttack, NOT_HERE, workerAttack } from "./link-attacks.ts";
import { peerAttack } from "./peer-attacks.ts";
import { Random } from "./random.ts";
import { kindsOf, questionFields, Samples } from "./samples.ts";

export interface FuzzOptions {
  /** Frames and requests that are to be judged. */
  readonly count: number;
  readonly seed: number;
  readonly rounds: number;
  log(line: string): void;
}

export interface Found {
  readonly tally: Tally;
  /** Bytes that the scheduler uses after each round. */
  readonly used: readonly number[];
  readonly rss: readonly number[];
  readonly beside: Beside;
  readonly longestDelayMs: number;
  readonly complaints: readonly string[];
  /** What it wrote. */
  readonly stderr: string;
  /** The scheduler is there. */
  readonly isUp: boolean;
  /** Those who attacked and are there still. */
  readonly left: string;
  /** What the scheduler counts once all names are taken away: tasks, payloads, runs, sessions, relays. */
  readonly leftOver: Readonly<Record<string, number>>;
  /** 42: the cluster computes still. */
  readonly answer: number;
}

/** Each with its share of the connections. */
const ATTACKS: readonly (readonly [number, Attack])[] = [
  [60, clientAttack],
  [6, workerAttack],
  [10, helloAttack],
  [1, relayAttack],
  [8, peerAttack],
  [20, requestAttack],
  [6, rubbishAttack],
];
/** Longer than any port waits for a request. */
const LINGER_MS = 30_000;
const AT_ONCE = 48;
const CHOICES: readonly Attack[] = ATTACKS.flatMap(([share, attack]) => new Array<Attack>(share).fill(attack));

export async function fuzz(options: FuzzOptions): Promise<Found> {
  const { count, seed, rounds, log } = options;
  const cluster = await AttackedCluster.start();
  try {
    const tally = new Tally();
    const random = new Random(seed);
    const known = { tasks: [], workers: [], workerNames: [] };
    const used: number[] = [];
    const rss: number[] = [];
    let longestDelayMs = 0;
    const lingering = linger(cluster.ports, tally);
    for (let round = 1; round <= rounds && cluster.scheduler.child.exitCode === null; round++) {
      const begun = performance.now();
      await attack(random, cluster.ports, tally, known, (count * round) / rounds);
      const took = (performance.now() - begun) / 1000;
      const delay = await cluster.longestDelayMs();
      longestDelayMs = Math.max(longestDelayMs, delay);
      const memory = await cluster.memory();
      used.push(memory.used);
      rss.push(memory.rss);
      const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
      log(
        `round ${round}: ${tally.judged} judged of ${tally.sent} sent on ${tally.connections} connections, ${took.toFixed(1)} s; ${mb(memory.used)} used, ${mb(memory.rss)} resident; longest turn ${delay.toFixed(0)} ms`,
      );
    }
    await lingering;
    const beside = await cluster.endWork();
    const left = await cluster.settled();
    const { exitCode, signalCode } = cluster.scheduler.child;
    const isUp = exitCode === null && signalCode === null;
    return {
      ...{ tally, used, rss, beside, longestDelayMs, left, isUp },
      leftOver: isUp ? await cluster.leftOver() : {},
      answer: isUp ? await cluster.call() : 0,
      complaints: cluster.complaints(),
      stderr: cluster.scheduler.stderr(),
    };
  } finally {
    await cluster.close();
  }
}

/** Kinds of messages, and of questions, that the scheduler has not taken from anybody. */
export function missingKinds({ kinds }: Tally): string[] {
  const asked = Object.keys(questionFields()).filter((q) => !NOT_HERE.includes(q));
  const all = (["client", "worker", "nanny"] as const).flatMap((direction) =>
    kindsOf(direction)
      .filter((kind) => kind !== "ask")
      .map((kind) => `${direction} ${kind}`),
  );
  return [...all, ...asked.map((q) => `client ask ${q}`)].filter((kind) => !kinds.has(kind));
}

/** Those who say little, and slowly, beside all others: each port ends them by itself. */
async function linger({ page, scheduler }: Ports, tally: Tally): Promise<void> {
  const waits = Object.entries({ page, scheduler }).flatMap(([name, port]) =>
    (Object.keys(SLOWLY) as (keyof typeof SLOWLY)[]).map(async (what) => {
      if ((await slowLoris(port, what, LINGER_MS)) !== null) return tally.count("slow request: ended");
      tally.problem(`${what} of a request, said slowly to the ${name}'s port, was not ended within ${LINGER_MS} ms`);
    }),
  );
  await Promise.all(waits);
}

/** Until so many are judged in all. */
async function attack(random: Random, ports: Ports, tally: Tally, known: Arena["known"], until: number): Promise<void> {
  const goOn = async (): Promise<void> => {
    while (tally.judged < until && tally.problems.length < 20) {
      // Each connection has a seed of its own: what another one does in between changes nothing in it.
      const own = random.fork();
      const stranger = (): string | undefined =>
        process.platform === "linux"
          ? `127.${own.between(1, 250)}.${own.below(250)}.${own.between(1, 250)}`
          : undefined;
      await own.pick(CHOICES)({ random: own, samples: new Samples(own), ports, known, stranger, tally });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, goOn));
}
