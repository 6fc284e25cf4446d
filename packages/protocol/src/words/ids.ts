// The identities that cross the wire. Each is a plain integer with a brand, so that one cannot pass for another.

declare const brand: unique symbol;
type Branded<B extends string> = number & { readonly [brand]: B };

/** A client's session: given by the scheduler, never used again. */
export type SessionId = Branded<"SessionId">;
/** A task's number inside the session that submitted it: the client counts 1, 2, 3 …; never used again in that session. */
export type TaskNumber = Branded<"TaskNumber">;
/** The scheduler's own identity of a task: `generation * 2 ** 24 + slot`; an old one never names a new task. */
export type TaskId = Branded<"TaskId">;
/** One incarnation of a worker process; a restarted worker gets another. 0 is nobody. */
export type WorkerId = Branded<"WorkerId">;
/** The scheduler's identity of a function (one per content hash while it is in use). */
export type FunctionId = Branded<"FunctionId">;
/** A function's number inside the session that defined it: 1, 2, 3 … */
export type FunctionNumber = Branded<"FunctionNumber">;
/** A set of task options inside a session; 0 stands for the defaults. */
export type OptionsNumber = Branded<"OptionsNumber">;
/** A run's number inside its session: 1, 2, 3 …; 0 is the session's own default run. */
export type RunNumber = Branded<"RunNumber">;
/** The scheduler's identity of a run. */
export type RunId = Branded<"RunId">;
/** Which execution of a task: 1, 2, 3 …; messages about an earlier one change nothing. */
export type Attempt = Branded<"Attempt">;
/**
 * A shell's handle on bytes it keeps for its machine; the machine passes it on and says when it is free, and never
 * looks inside. 0 is "no bytes".
 */
export type PayloadRef = Branded<"PayloadRef">;
/** Monotonic time in integer microseconds, of the process that says it. */
export type Micros = Branded<"Micros">;
/** The id an event carries; every transition that follows from the event records it. */
export type Cause = Branded<"Cause">;

export const NO_PAYLOAD: PayloadRef = 0 as PayloadRef;
export const NO_WORKER: WorkerId = 0 as WorkerId;
/** One unit of a resource on the wire and in machines is 10,000; `GPU: 0.5` is 5,000. */
export const RESOURCE_UNIT = 10_000;

/** The resource that a worker's GPUs are: a task that asks for it runs in a process that sees so many of them. */
export const GPU_RESOURCE = "GPU";
/** Slots a `TaskId` can name at one time. */
export const TASK_SLOTS: number = 2 ** 24;
/** Generations of a slot, so that every `TaskId` is a safe integer. */
export const TASK_GENERATIONS: number = 2 ** 28;
