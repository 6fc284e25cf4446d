// What happened in a cluster, for people who look back: the scheduler's event log.

/** What kind of thing happened; each says in `text` what it meant. */
export type EventKind =
  | "workerJoined"
  /** Its link is cut; it may come back. */
  | "workerCut"
  /** Its link is up again, and what it holds is known. */
  | "workerBack"
  /** Its memory is above its pause limit: it gets nothing new until it has resumed. */
  | "workerPaused"
  | "workerResumed"
  /** A worker or client cannot reach a worker: what they exchange goes through the scheduler. */
  | "relayed"
  | "workerRetiring"
  /** The spot instance below a worker is taken away, or may be soon. */
  | "spotNotice"
  | "workerLeft"
  | "workerLost"
  | "published"
  | "unpublished"
  /** A part of an argument was lost with a worker: its client is asked to send it again. */
  | "dataAsked"
  /** Copies were asked for, or moves, and are there. */
  | "copied"
  /** A person at the status page cancelled tasks. */
  | "cancelled"
  /** A task that nobody waits for failed. */
  | "forgottenFailed"
  /** It was asked to end and be started again. */
  | "workerRestarting"
  | "clusterRestarted"
  /** Workers were started, or idle ones retired, by who sizes the cluster. */
  | "scaleUp"
  | "scaleDown"
  /** Nobody used the cluster for long: its workers leave, and it ends. */
  | "idleTimeout"
  | "clientJoined"
  | "clientGone"
  /** A detached run goes on without its client. */
  | "runDetached"
  /** The time of a detached run is over, or somebody ended it. */
  | "runForgotten"
  /** A task runs much longer than others of its function. */
  | "straggler"
  /** It was begun a second time elsewhere; or one of the two attempts came to an end. */
  | "speculation"
  | "actorCreated"
  /** Gone with its worker, or with its own thread or process. */
  | "actorLost"
  /** All workers that are there have it; or it is wanted no more. */
  | "pluginRegistered"
  | "pluginRemoved"
  /** Its setup threw on a worker. */
  | "pluginFailed"
  | "fileUploaded"
  | "fileRemoved"
  /** It could not be written on a worker. */
  | "fileFailed"
  /** Said by a client. */
  | "note"
  /** A lock or a lease of a semaphore that a client held until it was gone is free again. */
  | "leaseFreed";

export interface ClusterEvent {
  /** 1, 2, 3 …: which event of this scheduler. */
  readonly seq: number;
  /** µs of the scheduler's monotonic clock. */
  readonly at: number;
  /** The cause, as stories of tasks name it: what else happened then has the same. */
  readonly cause: number;
  readonly kind: EventKind;
  /** The worker's or client's name, or "". */
  readonly who: string;
  /** The key of the task it is about, or "". */
  readonly key: string;
  readonly text: string;
}
