export {
  type ClusterInfo,
  type ErrorCode,
  FlockError,
  formatAddress,
  type HeldResults,
  type Identity,
  isFlockError,
  type Move,
  type Moves,
  type RefusedMove,
  type Role,
  type RunInfo,
  type ScaleAdvice,
  type ScaleDemand,
  type StoryLine,
  type Why,
  type WorkerInfo,
} from "@taskflock/protocol/code";
export {
  type Actor,
  type ActorMethod,
  type ActorOptions,
  actorKey,
  actorValue,
  type CallLimits,
  closeActor,
  isActor,
} from "./actors/actor.ts";
export { AsCompleted, asCompleted } from "./as-completed.ts";
export type { AttachedRun } from "./attached-run.ts";
export { type DatasetInfo, fireAndForget, type PublishOptions } from "./client/data.ts";
export { Client } from "./client.ts";
export type { ClientOptions, ScatterAllOptions, ScatterOptions, TlsOptions, WaitOptions } from "./client-options.ts";
export type { ExecOptions, FileContent } from "./commands/exec.ts";
export type { ExecResult } from "./commands/spec.ts";
export { copy } from "./copy.ts";
export type { RebalanceOptions, ReplicateOptions } from "./data-moves.ts";
export type { Environment } from "./environment.ts";
export type { FileInfo, UploadFileOptions } from "./equipment/files.ts";
export type { Plugin, PluginInfo, PluginPlace, RegisterPluginOptions } from "./equipment/plugins.ts";
export type { TaskError } from "./failures.ts";
export { Future, type FutureStatus, isFuture } from "./future.ts";
export type { GatherOptions } from "./gather.ts";
export type { ComputeOptions } from "./graph/compute.ts";
export { Delayed, type DelayedFunction, type DelayedOptions, delayed, isDelayed } from "./graph/delayed.ts";
export type { Computed, Delayable, DelayableArguments } from "./graph/types.ts";
export type { JoinGroupOptions } from "./groups/join.ts";
export { joinGroup } from "./groups/join-group.ts";
export type { TaskGroup } from "./groups/task-group.ts";
export type { LogLine, LogSink } from "./logs.ts";
export { type Check, type Checks, checkOptions, integerFrom, oneOf } from "./option-checks.ts";
export { type ProgressOptions, progress } from "./progress.ts";
export { range } from "./range.ts";
export type { RestartOptions, RestartResult } from "./restart.ts";
export type { OnError, OnWorkers, RunOnWorkersOptions } from "./run-on-workers.ts";
export { type Run, type RunOptions, type RunOutcome, type RunStatus, TaskRun } from "./runs.ts";
export type { AdviceOptions, Scaling } from "./scaling.ts";
export type { SharedEvent } from "./shared-objects/event.ts";
export type { Lease, SharedLock, SharedSemaphore } from "./shared-objects/leases.ts";
export type { SharedQueue, SharedQueueOptions, TakeManyOptions } from "./shared-objects/queue.ts";
export type { SharedVariable } from "./shared-objects/variable.ts";
export type { SharedWaitOptions } from "./shared-objects/waits.ts";
export { taskClient } from "./task-client.ts";
export type { TaskOptions } from "./task-options.ts";
export type { TerminalStream } from "./terminal.ts";
export type { Arguments, Resolved, ResolvedValue } from "./types.ts";
export type { Versions, VersionsOptions } from "./versions.ts";
export { askPage } from "./watch/ask-page.ts";
export type { Dumped } from "./watch/dump.ts";
export type { EventLine, EventOptions, LogOptions, PrintedLines } from "./watch/lines.ts";
export type { Profile, ProfiledCall, ProfileOptions, Profiling, ProfilingOptions } from "./watch/profile.ts";
export type { ReportFileOptions, WrittenReport } from "./watch/report.ts";
