// Trials of a training: in each rung a task that goes on from the trial's checkpoint, up to the rung's epochs.

import { TrainingDetails } from "../../details/training-details.ts";
import type { Executor, Handle, KeptBytes } from "../../executor.ts";
import { rank } from "../../search/cv-results.ts";
import { messageOf } from "../../search/failure.ts";
import type {
  CommonResult,
  EngineHooks,
  RunningTrial,
  TrialOutcome,
  TrialRow,
  TrialRunner,
} from "../../search/trial-engine.ts";
import {
  type TrialColumns,
  type TrialEvent,
  TrialSearchResult,
  type TrialStep,
  trialColumns,
} from "../../search/trials.ts";
import { isReport } from "../run/report.ts";
import type { RungOutcome } from "../run/train-rung.ts";
import type { PlaceChoice, TrainJob } from "../run/train-task.ts";
import { TrainedModel } from "../run/trained-model.ts";
import { canGoOn, PlacedSets, VAIN_RESTARTS } from "../run/training-run.ts";
import type { Epoch } from "../types.ts";
import type { CompiledTrainingSearch } from "./compile-training-search.ts";

/** A trial has been through a rung; its score is the monitored figure of its best epoch so far. */
export interface TrainingTrialEvent<P extends object> extends TrialEvent<P> {
  /** Finished epochs. */
  readonly epochs: number;
  /** The best epoch so far; null when none has ended. */
  readonly best: Epoch | null;
  /** Why the training is over before its last epoch, such as early stopping; null when it is not. */
  readonly stopReason: string | null;
}

/** One row for each rung that a trial has been through. */
export type TrainingTable<P extends object> = TrialColumns & {
  readonly params: readonly Partial<P>[];
  /** The monitored figure of the best epoch so far. */
  readonly testScore: readonly number[];
  /** 1 is best; NaN comes last. */
  readonly rankTestScore: readonly number[];
  /** Finished epochs, and the best of them. */
  readonly epochs: readonly number[];
  readonly bestEpoch: readonly (number | null)[];
  /** Seconds of the rung's epochs. */
  readonly fitTime: readonly number[];
  readonly error: readonly (string | null)[];
} & { readonly [K in keyof P & string as `param${Capitalize<K>}`]?: readonly (P[K] | undefined)[] };

/** What a search over trainings gives. */
export class TrainingSearchResult<P extends object> extends TrialSearchResult<P, TrainingTable<P>> {
  /** Of the best trial's best epoch. */
  readonly bestModel: TrainedModel;
  readonly bestHistory: readonly Epoch[];
  /** Where the best trial stood: `client.train({ resumeFrom })` goes on from there. */
  readonly bestCheckpoint: Uint8Array;

  constructor(
    common: CommonResult<P> & { readonly cvResults: TrainingTable<P> },
    { model, history, checkpoint }: Pick<RungOutcome, "history"> & { model: TrainedModel; checkpoint: Uint8Array },
  ) {
    super(common);
    this.bestModel = model;
    this.bestHistory = history;
    this.bestCheckpoint = checkpoint;
  }
}

type RunRung = (job: TrainJob, whole: boolean) => Promise<RungOutcome>;

export interface TrainingOutcome extends TrialOutcome {
  readonly rung: RungOutcome | null;
}

export class TrainingTrials<P extends object> implements TrialRunner<P, TrainingOutcome, TrainingSearchResult<P>> {
  readonly #executor: Executor;
  readonly #hooks: EngineHooks;
  readonly #compiled: CompiledTrainingSearch<P>;
  /** Of what the cluster keeps for this search. */
  readonly #prefix: string;
  readonly #placed: PlacedSets[] = [];
  readonly #begun = new Set<number>();
  readonly #details = new Map<number, TrainingDetails>();
  /** Tasks so far: their attempts are told apart. */
  #tasks = 0;
  #kept: KeptBytes | null = null;
  #trainRung!: RunRung;

  constructor(executor: Executor, hooks: EngineHooks, compiled: CompiledTrainingSearch<P>) {
    this.#executor = executor;
    this.#hooks = hooks;
    this.#compiled = compiled;
    this.#prefix = `training/${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}/`;
  }

  async open(): Promise<void> {
    const { trainRung } = await import("@taskflock/ml/training");
    this.#trainRung = trainRung as RunRung;
    if (typeof this.#compiled.training.checkpoints !== "string")
      this.#kept = (await this.#executor.keptBytes?.()) ?? null;
    this.#place();
  }

  start(step: TrialStep<P>, before: TrainingOutcome | null): RunningTrial<TrainingOutcome> {
    // It is over: more epochs would not come.
    if (before !== null && (before.rung === null || before.rung.stopReason !== null)) {
      const outcome = { ...before, seconds: 0 };
      this.#tellScore(step, outcome);
      return { outcome: Promise.resolve(outcome), cancel: async () => {} };
    }
    return this.#run(step, before, false, (running) => this.#outcomeOf(step, before, running));
  }

  details({ rung }: TrainingOutcome): object {
    return {
      epochs: rung?.history.length ?? 0,
      best: rung === null ? null : bestOf(rung),
      stopReason: rung?.stopReason ?? null,
    };
  }

  dropped(): void {
    // Checkpoints stay until the end: a trial that does not go on may be the best, when all others fail.
  }

  async conclude(
    rows: readonly TrialRow<P, TrainingOutcome>[],
    best: TrialRow<P, TrainingOutcome>,
    common: CommonResult<P>,
  ): Promise<TrainingSearchResult<P>> {
    // Not a step further; only what it left is read.
    const step = { ...best.step, resources: 1 };
    const running = this.#run(step, best.outcome, true, (result) => result);
    const { history, model, checkpoint } = await Promise.race([running.outcome, this.#hooks.ended]);
    if (model === null || checkpoint === null) throw new TypeError("A whole rung has a model and a checkpoint.");
    this.#hooks.details.best(best.step.trial, null);
    const cvResults = this.#table(rows);
    return new TrainingSearchResult({ ...common, cvResults }, { history, checkpoint, model: new TrainedModel(model) });
  }

  async close(): Promise<void> {
    for (const sets of this.#placed) sets.release();
    if (this.#kept !== null) await this.#executor.forgetKept?.(this.#prefix).catch(() => undefined);
  }

  /** One task after the other, until one ends that is to count. */
  #run<R>(
    step: TrialStep<P>,
    before: TrainingOutcome | null,
    whole: boolean,
    use: (result: Promise<RungOutcome>) => Promise<R>,
  ): RunningTrial<R> {
    let task: Handle<RungOutcome> | null = null;
    let isCancelled = false;
    const attempts = async (): Promise<RungOutcome> => {
      for (let restarts = 0; ; restarts++) {
        task = this.#submit(step, before, whole);
        try {
          return await task.result();
        } catch (error) {
          if (isCancelled || restarts >= VAIN_RESTARTS || !canGoOn(error)) throw error;
          this.#executor.warn(`Trial ${step.trial} goes on in another process: ${messageOf(error)}`);
          this.#place();
        } finally {
          task.release();
        }
      }
    };
    const outcome = use(attempts());
    outcome.catch(() => undefined);
    const cancel = async (reason: string): Promise<void> => {
      isCancelled = true;
      await task?.cancel(reason);
    };
    return { outcome, cancel };
  }

  #submit(step: TrialStep<P>, before: TrainingOutcome | null, whole: boolean): Handle<RungOutcome> {
    const { training, planOf } = this.#compiled;
    const { validationSplit, backend, rhythm, task } = training;
    const { data, validation } = this.#placed.at(-1) as PlacedSets;
    const again = this.#begun.has(step.trial);
    this.#begun.add(step.trial);
    const plan = planOf(step.params);
    const resumeFrom = before?.rung?.checkpoint ?? null;
    const where = { place: this.#placeOf(step.trial), rhythm, resumeFrom, again, until: step.resources };
    const job: TrainJob = { plan, data, validation, validationSplit, backend, ...where };
    const options = {
      ...task,
      priority: (task.priority ?? 0) + step.iter,
      name: `${training.name} trial ${step.trial}`,
      ...(whole ? {} : { onReport: this.#hearer(step, plan.epochs) }),
    };
    return this.#executor.submit(this.#trainRung, [job, whole], options);
  }

  async #outcomeOf(
    step: TrialStep<P>,
    before: TrainingOutcome | null,
    running: Promise<RungOutcome>,
  ): Promise<TrainingOutcome> {
    try {
      const rung = await running;
      const known = before?.rung?.history.length ?? 0;
      const seconds = rung.history.slice(known).reduce((sum, epoch) => sum + epoch.seconds, 0);
      const { monitor } = this.#compiled.training.plan;
      const score = bestOf(rung)?.logs[monitor] ?? Number.NaN;
      const outcome = { rung, score, seconds, error: null, failed: false };
      this.#tell(step, outcome);
      return outcome;
    } catch (cause) {
      const score = this.#hooks.failed(`Trial ${step.trial} up to epoch ${step.resources}`, cause);
      const outcome = { rung: null, score, seconds: Number.NaN, error: messageOf(cause), failed: true };
      this.#tell(step, outcome);
      return outcome;
    }
  }

  #hearer({ trial, iter }: TrialStep<P>, epochs: number): (report: unknown) => void {
    const task = ++this.#tasks;
    const details = this.#detailsOf(trial, epochs);
    return (report) => {
      if (isReport(report)) details.hear(report, task, iter);
    };
  }

  #detailsOf(trial: number, epochs: number): TrainingDetails {
    const known = this.#details.get(trial);
    if (known !== undefined) return known;
    const builder = this.#compiled.training.plan.model.name;
    const details = new TrainingDetails(this.#hooks.scope, { trial, builder, epochs, workers: 1 });
    this.#details.set(trial, details);
    return details;
  }

  /** How the trial came out of its rung. */
  #tell(step: TrialStep<P>, outcome: TrainingOutcome): void {
    const { rung, error } = outcome;
    const details = this.#details.get(step.trial);
    details?.epochs(rung?.history ?? []);
    if (rung !== null && rung.stopReason !== null) details?.remark(`stopped early: ${rung.stopReason}`);
    if (error !== null) details?.remark(`failed: ${error}`);
    this.#tellScore(step, outcome);
  }

  #tellScore({ trial }: TrialStep<P>, { score, seconds, error }: TrainingOutcome): void {
    const times = { fitSeconds: seconds, scoreSeconds: 0 };
    this.#hooks.details.fold({ candidate: trial, fold: 0, scores: [score], ...times, error });
  }

  #placeOf(trial: number): PlaceChoice {
    const { checkpoints } = this.#compiled.training;
    const own = `trial-${String(trial).padStart(4, "0")}`;
    if (typeof checkpoints === "string") return { url: `${checkpoints.replace(/\/+$/, "")}/${own}` };
    return this.#kept === null ? null : { kept: this.#kept, prefix: `${this.#prefix}${own}/` };
  }

  /** Puts the data on the cluster, again when workers that held it are gone. */
  #place(): void {
    this.#placed.push(new PlacedSets(this.#executor, this.#compiled.training));
  }

  #table(rows: readonly TrialRow<P, TrainingOutcome>[]): TrainingTable<P> {
    const steps = rows.map(({ step }) => step);
    const testScore = rows.map(({ outcome }) => outcome.score);
    const merits = this.#compiled.trials.mode === "min" ? testScore.map((score) => -score) : testScore;
    const names = new Set(steps.flatMap(({ params }) => Object.keys(params)));
    const columns = [...names].map((name) => [
      `param${name.charAt(0).toUpperCase()}${name.slice(1)}`,
      steps.map(({ params }) => params[name as keyof P]),
    ]);
    return {
      ...trialColumns(steps),
      params: steps.map(({ params }) => params),
      testScore,
      rankTestScore: rank(merits),
      epochs: rows.map(({ outcome }) => outcome.rung?.history.length ?? 0),
      bestEpoch: rows.map(({ outcome }) => outcome.rung?.bestEpoch ?? null),
      fitTime: rows.map(({ outcome }) => outcome.seconds),
      error: rows.map(({ outcome }) => outcome.error),
      ...Object.fromEntries(columns),
    } as TrainingTable<P>;
  }
}

function bestOf({ history, bestEpoch }: RungOutcome): Epoch | null {
  return history.find(({ epoch }) => epoch === bestEpoch) ?? null;
}
