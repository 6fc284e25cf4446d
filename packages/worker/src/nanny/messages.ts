// What a nanny and its worker process say to each other over the channel between them.

export type NannyToWorker =
  /** First: what must not stand in arguments or the environment. */
  { readonly t: "welcome"; readonly token: string; readonly incarnation: string };

export type WorkerToNanny =
  | { readonly t: "hello" }
  /** However the worker ends, it is not to be started again: its machine ends. */
  | { readonly t: "last" }
  /** The worker ends by plan. `restart`: it wants to be started again. `error`: what went wrong, if anything did. */
  | { readonly t: "leaving"; readonly restart: boolean; readonly error: string | null };

/** In the environment of a worker that has a nanny. */
export const NANNY_VARIABLE = "TASKFLOCK_NANNY";
