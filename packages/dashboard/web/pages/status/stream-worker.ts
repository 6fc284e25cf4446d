// One worker of the task stream: a lane per slot, what runs now, and bands for the work that is not told one by one.

import { Lane } from "./lane.ts";
import { type Ended, laneFor, layBackwards } from "./packing.ts";

/** Work that is not told one by one is told as bands of at least this long, µs. */
const BAND_US = 1_000_000;
/** Lanes of a worker of which it is not known how many slots it has. */
const UNKNOWN_SLOTS = 4;

/** Work of a second or so without bars of its own. */
export interface Band {
  readonly from: number;
  to: number;
  us: number;
  /** Attempts. */
  count: number;
  /** The function with the most of it in one message. */
  fn: number;
  fnUs: number;
}

/** An attempt that runs. */
export interface OpenBar {
  readonly task: number;
  readonly key: string;
  readonly fn: number;
  readonly startedAt: number;
}
export interface ShownOpenBar extends OpenBar {
  readonly lane: number;
}

export class StreamWorker {
  readonly worker: number;
  name: string;
  /** Its bars stay to be seen. */
  isGone = false;
  lanes: Lane[] = Array.from({ length: UNKNOWN_SLOTS }, () => new Lane());
  /** Whether it was said how many slots it has. */
  #hasSlots = false;
  bands: Band[] = [];
  /** By task. */
  running: ReadonlyMap<number, ShownOpenBar> = new Map();

  constructor(worker: number) {
    this.worker = worker;
    this.name = `worker ${worker}`;
  }

  /** Lanes with bars stay: a worker that came back with fewer slots did what it did. True when that changed something. */
  setSlots(slots: number): boolean {
    const before = this.lanes.length;
    if (!this.#hasSlots && slots < before) this.#layAnew(Math.max(1, slots));
    this.#hasSlots = true;
    while (this.lanes.length < slots) this.lanes.push(new Lane());
    while (this.lanes.length > slots && this.#isEmpty(this.lanes.length - 1)) this.lanes.pop();
    return this.lanes.length !== before;
  }

  clear(): void {
    this.lanes = this.lanes.map(() => new Lane());
    this.bands = [];
    this.running = new Map();
  }

  get lastEnd(): number {
    return Math.max(...this.lanes.map(({ lastEnd }) => lastEnd));
  }

  /** What ended since the last time, and all that runs. */
  take(ended: Ended | undefined, running: readonly OpenBar[], most: number): ReadonlyMap<number, number> {
    const before = this.running;
    const shown = new Map<number, ShownOpenBar>();
    const ceilings = this.lanes.map(() => Number.POSITIVE_INFINITY);
    const show = (bar: OpenBar, lane: number): void => {
      ceilings[lane] = bar.startedAt;
      shown.set(bar.task, { ...bar, lane });
    };
    for (const bar of running) {
      const known = before.get(bar.task);
      if (known?.startedAt === bar.startedAt) show(bar, known.lane);
    }
    const hints = new Map<number, number>();
    for (const { task, lane } of before.values()) if (!shown.has(task)) hints.set(task, lane);
    const left = ended === undefined ? new Map() : layBackwards({ lanes: this.lanes, ceilings, hints, most }, ended);
    for (const bar of running) {
      const lane = shown.has(bar.task) ? -1 : laneFor(this.lanes, ceilings, bar.startedAt);
      if (lane >= 0) show(bar, lane);
    }
    this.running = shown;
    return left;
  }

  /** Work between `from` and `to` that has no bars. */
  addToBand(
    work: { readonly fn: number; readonly count: number; readonly us: number },
    from: number,
    to: number,
    most: number,
  ): void {
    const { fn, count, us } = work;
    let band = this.bands.at(-1);
    if (band === undefined || (band.to < to && band.to - band.from >= BAND_US)) {
      band = { from: Math.max(band?.to ?? 0, Math.min(from, to - 1)), to, us: 0, count: 0, fn, fnUs: 0 };
      this.bands.push(band);
      if (this.bands.length > most) this.bands.splice(0, this.bands.length - most);
    }
    band.to = Math.max(band.to, to);
    band.us += us;
    band.count += count;
    if (us <= band.fnUs) return;
    band.fn = fn;
    band.fnUs = us;
  }

  /** What was laid in more lanes than it had. */
  #layAnew(slots: number): void {
    const bars = this.lanes.flatMap((lane) => Array.from({ length: lane.count }, (_, index) => lane.at(index)));
    bars.sort((a, b) => a.end - b.end);
    const running = [...this.running.values()];
    this.lanes = Array.from({ length: slots }, () => new Lane());
    this.running = new Map();
    const ended: Ended = {
      task: bars.map(({ task }) => task),
      fn: bars.map(({ fn }) => fn),
      endedAt: bars.map(({ end }) => end),
      durationUs: bars.map(({ start, end }) => end - start),
      kind: bars.map(({ kind }) => kind),
    };
    this.take(ended, running, Math.max(1, bars.length));
  }

  #isEmpty(lane: number): boolean {
    if (this.lanes[lane]!.count > 0) return false;
    for (const bar of this.running.values()) if (bar.lane === lane) return false;
    return true;
  }
}
