// What machines cost: hours × price, as the price was. Pure.

/** The price of a type in a zone from then on. */
export interface PricePoint {
  readonly atMs: number;
  /** USD per hour. */
  readonly price: number;
}

/** A machine from its launch to its end. */
export interface MachineLife {
  readonly id: string;
  readonly role: "scheduler" | "worker";
  readonly type: string;
  readonly zone: string;
  readonly spot: boolean;
  readonly launchedMs: number;
  /** Null: it runs. */
  readonly endedMs: number | null;
}

export interface PriceBook {
  /** Of `type zone`, in any order. */
  readonly spot: ReadonlyMap<string, readonly PricePoint[]>;
  /** Of types, USD per hour. */
  readonly onDemand: ReadonlyMap<string, number>;
}

export const HOUR_MS = 3_600_000;

export const spotKey = (type: string, zone: string): string => `${type} ${zone}`;

/** USD until `nowMs`; null when its price is not known. AWS bills by the second. */
export function costOf(machine: MachineLife, book: PriceBook, nowMs: number): number | null {
  const untilMs = Math.max(machine.launchedMs, Math.min(machine.endedMs ?? nowMs, nowMs));
  if (!machine.spot) {
    const price = book.onDemand.get(machine.type);
    return price === undefined ? null : (price * (untilMs - machine.launchedMs)) / HOUR_MS;
  }
  const points = [...(book.spot.get(spotKey(machine.type, machine.zone)) ?? [])].sort((a, b) => a.atMs - b.atMs);
  if (points.length === 0) return null;
  let cost = 0;
  for (const [index, { atMs, price }] of points.entries()) {
    // Before the first that is known, it is taken to have been the same.
    const fromMs = index === 0 ? machine.launchedMs : Math.max(atMs, machine.launchedMs);
    const toMs = Math.min(points[index + 1]?.atMs ?? untilMs, untilMs);
    if (toMs > fromMs) cost += (price * (toMs - fromMs)) / HOUR_MS;
  }
  return cost;
}

/** USD per hour now; null when it is not known; 0 when it has ended. */
export function rateOf(machine: MachineLife, book: PriceBook): number | null {
  if (machine.endedMs !== null) return 0;
  if (!machine.spot) return book.onDemand.get(machine.type) ?? null;
  return latest(book.spot.get(spotKey(machine.type, machine.zone)) ?? []);
}

export function latest(points: readonly PricePoint[]): number | null {
  const newest = points.reduce<PricePoint | null>(
    (best, one) => (best === null || one.atMs > best.atMs ? one : best),
    null,
  );
  return newest?.price ?? null;
}

export interface ClusterCost {
  /** USD so far. */
  readonly spent: number;
  /** USD per hour now. */
  readonly rate: number;
  /** Machines whose price is not known, and is not in it. */
  readonly unknown: readonly string[];
}

export function clusterCost(machines: readonly MachineLife[], book: PriceBook, nowMs: number): ClusterCost {
  const costs = machines.map((machine) => ({
    ...machine,
    cost: costOf(machine, book, nowMs),
    rate: rateOf(machine, book),
  }));
  return {
    spent: costs.reduce((sum, { cost }) => sum + (cost ?? 0), 0),
    rate: costs.reduce((sum, { rate }) => sum + (rate ?? 0), 0),
    unknown: costs.filter(({ cost }) => cost === null).map(({ id }) => id),
  };
}

/** Of what the workers cost, each run's part by the time that its tasks took in slots; the rest was idle. */
export function runCosts(
  runs: readonly { readonly name: string; readonly slotSeconds: number }[],
  { slots, workersRate }: { readonly slots: number; readonly workersRate: number },
): readonly { readonly name: string; readonly slotSeconds: number; readonly cost: number | null }[] {
  return runs.map(({ name, slotSeconds }) => ({
    name,
    slotSeconds,
    cost: slots === 0 ? null : (slotSeconds / 3_600) * (workersRate / slots),
  }));
}

/** `3h`, `90m`, `1h30m`: hours. */
export function hoursOf(expiration: string): number {
  const [, hours = "0", minutes = "0"] = /^(?:(\d+)h)?(?:(\d+)m)?$/.exec(expiration) ?? [];
  return Number(hours) + Number(minutes) / 60;
}

/** `0.0416 USD`, `12.30 USD`. */
export function dollars(amount: number): string {
  return `${amount < 1 ? amount.toFixed(4) : amount.toFixed(2)} USD`;
}
