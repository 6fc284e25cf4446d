// A bar on the terminal for futures or a run.

import { type Future, isFuture, noFuture, ownerOf } from "./future.ts";
import type { TaskRecord, Waiter } from "./record.ts";
import { type Run, TaskRun } from "./runs.ts";
import { StatusLine, type TerminalStream } from "./terminal.ts";

export interface ProgressOptions {
  /** Where the bar is drawn; nothing is drawn when it is no terminal. Default stderr. */
  readonly stream?: TerminalStream;
  /** What stands before the bar. Default: the run's name, or "tasks". */
  readonly label?: string;
}

const REDRAW_MS = 80;
const BAR_CELLS = 30;

/**
 * Draws a bar while futures end or a run goes on, and resolves when all is over, however it ended. It can be left unawaited: it
 * rejects only with FLOCK_ARGUMENT_INVALID, for what is neither. Silent when the stream is no terminal.
 */
export async function progress(
  target: Iterable<Future<unknown>> | Run<unknown> | TaskRun,
  options: ProgressOptions = {},
): Promise<void> {
  const { stream = process.stderr } = options;
  if (typeof target !== "object" || target === null) throw noFuture("progress", target);
  const meter = new Meter(stream, options.label ?? ("name" in target ? target.name : "tasks"));
  if (target instanceof TaskRun) await followTaskRun(target, meter);
  else if (Symbol.iterator in target) await followFutures(target, meter);
  else await followRun(target, meter);
  meter.end();
}

async function followRun(run: Run<unknown>, meter: Meter): Promise<void> {
  meter.show(run.done, run.total, 0);
  for await (const _event of run) meter.show(run.done, run.total, 0);
  await run.result().catch(() => {}); // told to whoever asks the run
  meter.show(run.done, run.total, 0);
}

function followTaskRun(run: TaskRun, meter: Meter): Promise<void> {
  return new Promise((resolve) => {
    const show = (): void => {
      const { done, failed, cancelled, total } = run.counts;
      if (run.total > 0) meter.show(run.done, run.total, failed);
      else meter.show(done + failed + cancelled, total, failed);
      if (run.status === "running") return;
      stop();
      resolve();
    };
    const stop = run.onChange(show);
    show();
  });
}

function followFutures(futures: Iterable<Future<unknown>>, meter: Meter): Promise<void> {
  const all = [...futures];
  for (const item of all) if (!isFuture(item)) throw noFuture("progress", item);
  const own = new Set<object>(all);
  let ended = 0;
  let failed = 0;
  return new Promise((resolve) => {
    const count = (state: TaskRecord["state"]): void => {
      ended++;
      if (state !== "done") failed++;
      meter.show(ended, all.length, failed);
      if (ended === all.length) resolve();
    };
    const waiter: Waiter = {
      settled: (record) => count(record.state),
      abandoned: () => count("failed"),
      concerns: (future) => own.has(future),
    };
    meter.show(0, all.length, 0);
    if (all.length === 0) resolve();
    for (const future of all) ownerOf(future).watch(future, waiter);
  });
}

/** Draws at most every 80 ms. It sets no timer: what is not drawn now is drawn with a later change, or at the end. */
class Meter {
  readonly #line: StatusLine | null;
  readonly #columns: number;
  readonly #label: string;
  readonly #start: number = performance.now();
  #drawn = Number.NEGATIVE_INFINITY;
  #text = "";

  constructor(stream: TerminalStream, label: string) {
    this.#line = stream.isTTY === true ? new StatusLine(stream) : null;
    this.#columns = stream.columns || 80; // some terminals say 0
    this.#label = label;
  }

  show(done: number, total: number, failed: number): void {
    if (this.#line === null) return;
    const now = performance.now();
    this.#text = bar({ label: this.#label, done, total, failed, seconds: (now - this.#start) / 1000 }).slice(
      0,
      this.#columns - 1,
    );
    if (now - this.#drawn < REDRAW_MS && done < total) return;
    this.#drawn = now;
    this.#line.draw(this.#text);
  }

  end(): void {
    this.#line?.finish(this.#text);
  }
}

export interface BarFacts {
  readonly label: string;
  readonly done: number;
  /** 0 when unknown. */
  readonly total: number;
  readonly failed: number;
  readonly seconds: number;
}

/** One line such as `digits [#########---------------------]  16/54  1.2 s, 2 failed`. */
export function bar({ label, done, total, failed, seconds }: BarFacts): string {
  const cells = total === 0 ? 0 : Math.floor((Math.min(done, total) / total) * BAR_CELLS);
  const picture = "#".repeat(cells).padEnd(BAR_CELLS, "-");
  const count = total === 0 ? String(done) : `${String(done).padStart(String(total).length)}/${total}`;
  const failures = failed === 0 ? "" : `, ${failed} failed`;
  return `${label} [${picture}]  ${count}  ${seconds.toFixed(1)} s${failures}`;
}
