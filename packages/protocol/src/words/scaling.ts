// How many workers the work of a cluster could use: what the scheduler says to whoever supplies and removes workers.

/** Tasks that only some workers can run, by what they ask for. */
export interface ScaleDemand {
  /** Amounts by name, in 1/10,000. */
  readonly resources: Readonly<Record<string, number>>;
  /** Names of the workers that it must run on; empty: any that has the resources. */
  readonly workers: readonly string[];
  /** Tasks that wait for such a worker. */
  readonly tasks: number;
  /** Workers that are there and can run them; 0: they wait until one comes. */
  readonly able: number;
  /** Further workers with these resources that the tasks could use now. */
  readonly wanted: number;
}

export interface ScaleAdvice {
  /** Workers that are there and take tasks. */
  readonly workers: number;
  /** Workers that the work which any worker can do could use, those that are busy with other work included. */
  readonly wanted: number;
  readonly demands: readonly ScaleDemand[];
  /** Idle workers that could go, the first one first. */
  readonly mayGo: readonly string[];
  /** Tasks that run or could begin now. */
  readonly runnable: number;
  /** The expected duration of all that runs or could begin, milliseconds. */
  readonly workMs: number;
  /** Bytes of results that workers hold, and what they may hold. */
  readonly storedBytes: number;
  readonly memoryLimitBytes: number;
}

/** What became of a restart of the cluster. */
export interface Restarted {
  /** Workers that were told to end and come back. */
  readonly restarted: readonly string[];
  /** Workers that nobody would start again: they stay, and hold nothing any more. */
  readonly kept: readonly string[];
  /** Tasks that had not ended and are cancelled now. */
  readonly cancelled: number;
  /** Results and scattered data that only workers held: they are cancelled, too. */
  readonly dropped: number;
}
