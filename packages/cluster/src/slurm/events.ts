import type { FlockError } from "@taskflock/client";

/** What became of a cluster's jobs. */
export type SlurmEvent =
  | { readonly kind: "submitted"; readonly jobId: string; readonly workers: number }
  /** They ended without being told to, by Slurm's word or because the scheduler has not seen them for long. */
  | { readonly kind: "lost"; readonly workers: readonly string[] }
  /** They wait for long; the error is FLOCK_SLURM_PENDING and says why. They go on waiting. */
  | { readonly kind: "pending"; readonly workers: readonly string[]; readonly error: FlockError }
  /** Slurm could not be asked, or workers end as soon as they start. */
  | { readonly kind: "failed"; readonly error: FlockError };
