// The part of a client that looks at the cluster, and acts on workers as a whole.

import {
  type ClusterInfo,
  FlockError,
  type RunInfo,
  type StoryLine,
  type Why,
  type WorkerInfo,
} from "@taskflock/protocol/words";
import { checkWaitOptions, type WaitOptions, workerCount, workerNames } from "../client-options.ts";
import { type ExecOptions, exec } from "../commands/exec.ts";
import type { ExecResult } from "../commands/spec.ts";
import type { AnyFunction } from "../function-table.ts";
import { type Future, isFuture, ownerOf } from "../future.ts";
import { loadSeldom } from "../load-session.ts";
import { describe } from "../option-checks.ts";
import type { RestartOptions, RestartResult } from "../restart.ts";
import type { OnError, OnWorkers, RunOnWorkersOptions } from "../run-on-workers.ts";
import { Scaling } from "../scaling.ts";
import type { Arguments } from "../types.ts";
import type { Versions, VersionsOptions } from "../versions.ts";
import type { Dumped } from "../watch/dump.ts";
import {
  type EventLine,
  type EventOptions,
  eventList,
  eventStream,
  type LogOptions,
  logList,
  logStream,
  note,
  type PrintedLines,
} from "../watch/lines.ts";
import type { Profile, ProfileOptions, Profiling, ProfilingOptions } from "../watch/profile.ts";
import type { ReportFileOptions, WrittenReport } from "../watch/report.ts";
import { ClientCalls, fromCaller } from "./calls.ts";

/** A client's view of its cluster. Users hold a `Client`, which has more. */
export class ClientWatch extends ClientCalls {
  /** All that the scheduler counts: workers, tasks by state, runs. */
  async cluster(): Promise<ClusterInfo> {
    return this.open().questions.ask({ q: "cluster" });
  }

  async workers(): Promise<readonly WorkerInfo[]> {
    return (await this.cluster()).workers;
  }

  /** Runs of all clients. */
  async runs(): Promise<readonly RunInfo[]> {
    return (await this.cluster()).runs;
  }

  /** Resolves once at least `count` workers are there. Rejects with FLOCK_WAIT_TIMEOUT after `timeoutMs`. */
  async waitForWorkers(count: number, options?: WaitOptions): Promise<readonly WorkerInfo[]> {
    const { timeoutMs } = checkWaitOptions(options);
    const takes = workerCount(count);
    if (takes !== null) {
      throw new FlockError("FLOCK_ARGUMENT_INVALID", `waitForWorkers takes ${takes}, not ${describe(count)}.`);
    }
    const answer = this.open().questions.ask({ q: "waitForWorkers", count });
    if (timeoutMs === undefined) return answer;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const message = `${count} workers were not there after ${timeoutMs} ms. Start more, or wait longer.`;
      timer = setTimeout(() => reject(new FlockError("FLOCK_WAIT_TIMEOUT", message)), timeoutMs);
    });
    return Promise.race([answer, late]).finally(() => clearTimeout(timer));
  }

  /**
   * Stops workers by name: each finishes what it runs, hands over what only it holds, and leaves. Resolves with their last
   * facts. Rejects with FLOCK_WORKER_UNKNOWN and FLOCK_ARGUMENT_INVALID.
   */
  async retireWorkers(names: readonly string[]): Promise<readonly WorkerInfo[]> {
    const takes = workerNames(names);
    if (takes !== null) {
      throw new FlockError("FLOCK_ARGUMENT_INVALID", `retireWorkers takes ${takes}, not ${describe(names)}.`);
    }
    return this.open().questions.ask({ q: "retire", workers: [...names] });
  }

  /**
   * Starts the cluster anew: cancels all tasks of all clients, drops all data that only workers hold, and replaces every
   * worker process that has a nanny. Resolves when the new workers are there, with what was done. Rejects with
   * FLOCK_WAIT_TIMEOUT (default: after 60,000 ms), which names the workers that did not come back, and FLOCK_OPTION_INVALID.
   */
  async restart(options?: RestartOptions): Promise<RestartResult> {
    const { questions } = this.open();
    return (await loadSeldom()).restart(questions, options);
  }

  /**
   * Replaces the processes of workers by name, without a loss: each finishes what it runs, hands over what only it holds,
   * and is started again by its nanny. Resolves when all are back. Rejects with FLOCK_WORKER_UNKNOWN, FLOCK_NO_NANNY (then
   * nothing was done), FLOCK_WAIT_TIMEOUT (default: after 60,000 ms), FLOCK_ARGUMENT_INVALID and FLOCK_OPTION_INVALID.
   */
  async restartWorkers(names: readonly string[], options?: RestartOptions): Promise<readonly WorkerInfo[]> {
    const { questions } = this.open();
    return (await loadSeldom()).restartWorkers(questions, names, options);
  }

  /** For those who supply and remove workers: how many the work could use, and which could go. */
  get scaling(): Scaling {
    return new Scaling(() => this.open().questions);
  }

  /**
   * What happened to a task so far: its transitions, each with the time and the cause. By its future, or by its key, of
   * whichever client it is. Rejects with FLOCK_TASK_UNKNOWN and FLOCK_ARGUMENT_INVALID.
   */
  async story(task: Future<unknown> | string): Promise<readonly StoryLine[]> {
    const session = this.open();
    return (await loadSeldom()).askStory(session, task);
  }

  /**
   * What a task waits for, or how it ended, in words (`text`, `sentences`) and as data: the inputs that are missing and the
   * task that really holds it up, the line before it, the resource or worker that it needs and who has that, the wait before
   * a retry, bytes on their way. Times are in microseconds. By its future, or by its key, of whichever client it is.
   *
   * Rejects with FLOCK_TASK_UNKNOWN, which names keys near the one given, and FLOCK_ARGUMENT_INVALID.
   */
  async why(task: Future<unknown> | string): Promise<Why> {
    const session = this.open();
    return (await loadSeldom()).askWhy(session, task);
  }

  /**
   * Runs the call of a task here, in this process: your own function, with the arguments that the task had, so that
   * breakpoints and `debugger` in your source work. Meant for a task that failed; of one that could not run because another
   * failed, that other runs. Resolves with what the function returns, or rejects with what it throws, as it was thrown.
   *
   * With `node --inspect-brk main.ts` and a debugger attached, a breakpoint in `fit` stops in:
   *
   * ```ts
   * const future = client.submit(fit, [X, 3]);
   * if ((await future.error()) !== null) await client.rerunHere(future);
   * ```
   *
   * Variables that the function captured are as they are now. `taskContext()` works, with the worker "here". Rejects with
   * FLOCK_RELEASED, FLOCK_ARGUMENT_INVALID (no future of a call of this client), FLOCK_CALL_FORGOTTEN (arguments are kept
   * of the calls that failed last), and why an input cannot be fetched.
   */
  async rerunHere<R>(future: Future<R>): Promise<R> {
    const session = this.open();
    if (!isFuture(future) || ownerOf(future) !== session) {
      throw new FlockError("FLOCK_ARGUMENT_INVALID", "rerunHere takes a future of this client.");
    }
    const { rerunHere } = await loadSeldom();
    return (await rerunHere(session, future)) as R;
  }

  /** Runs a program on a worker, in a fresh folder that is removed afterwards: `exec(["python", "fit.py"], { files, outputs })`. */
  exec(command: readonly [string, ...string[]], options?: ExecOptions): Future<ExecResult> {
    try {
      return exec((fn, args, task) => this.submitNow("exec", fn, args, task), command, options);
    } catch (error) {
      throw fromCaller(error, this.exec);
    }
  }

  /** Calls `fn` once on every worker that is there: what each returned, by its name. Waits for a slot where all are busy. */
  runOnWorkers<R>(fn: () => R): Promise<OnWorkers<R>>;
  runOnWorkers<A extends readonly unknown[], R, E extends OnError = "throw">(
    fn: (...args: A) => R,
    args: Arguments<A>,
    options?: RunOnWorkersOptions<E>,
  ): Promise<OnWorkers<R, E>>;
  async runOnWorkers(fn: AnyFunction, args: readonly unknown[] = [], options?: RunOnWorkersOptions): Promise<object> {
    return (await loadSeldom()).runOnWorkers(this, fn, args, options);
  }

  /** Compares Node, Taskflock and packages of client, scheduler and workers. */
  async versions(options?: VersionsOptions): Promise<Versions> {
    return (await loadSeldom()).versions(this, options);
  }

  /**
   * What happened in the cluster: workers and clients that came and went, and why. The scheduler keeps the last 10,000 events.
   * Each carries the cause that stories of tasks name.
   */
  async events(options?: EventOptions): Promise<EventLine[]> {
    return eventList(this.open(), options);
  }

  /** Events as they happen, after those that are kept already: `for await (const event of client.followEvents()) …`. */
  followEvents(options?: EventOptions): AsyncGenerator<EventLine, void, undefined> {
    return eventStream(this.open(), options);
  }

  /** Puts a line of your own into the event log, at most 4,096 characters. */
  async note(text: string): Promise<void> {
    await note(this.open(), text);
  }

  /**
   * What tasks printed and workers said of themselves, of all clients: of a worker, a task or a run if you name one. The scheduler
   * keeps the last 8 MiB.
   */
  async logs(options?: LogOptions): Promise<PrintedLines[]> {
    return logList(this.open(), options);
  }

  /** Printed lines as they come, after those that are kept already. */
  followLogs(options?: LogOptions): AsyncGenerator<PrintedLines, void, undefined> {
    return logStream(this.open(), options);
  }

  /**
   * Writes all that the scheduler knows to a file: workers, every task, their last transitions, events, printed lines; one line of
   * JSON each, compressed if the name ends in `.gz`. Rejects with FLOCK_OPTION_INVALID when the file cannot be written.
   */
  async dump(file: string): Promise<Dumped> {
    const session = this.open();
    const { dump } = await loadSeldom();
    return dump(session, file);
  }

  /**
   * Writes a report to a file: one HTML page that holds what it shows, opens from disk and asks no network. Of what the cluster
   * remembers now, or of what happens while `work` runs; then it resolves with what `work` gives, and when `work` throws the report is
   * written and the error passed on.
   *
   * Rejects with FLOCK_REPORT_NOT_WRITTEN (seen before `work` begins), FLOCK_NO_DASHBOARD, FLOCK_DASHBOARD_UNREACHABLE,
   * FLOCK_REPORTS_FULL, FLOCK_REPORT_UNKNOWN, FLOCK_UNAUTHORIZED, FLOCK_ARGUMENT_INVALID and FLOCK_OPTION_INVALID.
   */
  report(file: string, options?: ReportFileOptions): Promise<WrittenReport>;
  report<R>(file: string, work: () => R | Promise<R>, options?: ReportFileOptions): Promise<R>;
  async report(
    file: string,
    first?: ReportFileOptions | (() => unknown),
    options?: ReportFileOptions,
  ): Promise<unknown> {
    const session = this.open();
    const { reportWhile, writeReport } = await loadSeldom();
    return typeof first === "function"
      ? reportWhile(session, file, first, options)
      : writeReport(session, file, first ?? options);
  }

  /**
   * Samples what slots do for a while: where tasks spend their time, by function and line. Nothing is measured, and nothing costs, while no profile is taken. Rejects with FLOCK_PROFILE, FLOCK_WORKER_UNKNOWN
   * and FLOCK_OPTION_INVALID.
   */
  async profile(options?: ProfileOptions): Promise<Profile> {
    const session = this.open();
    return (await loadSeldom()).profile(session, options);
  }

  /** Begins to sample; `await (await client.startProfile()).stop()` ends it. Rejects as `profile` does. */
  async startProfile(options?: ProfilingOptions): Promise<Profiling> {
    const session = this.open();
    return (await loadSeldom()).startProfile(session, options);
  }
}
