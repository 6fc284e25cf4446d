// What a workload is. It runs in the client's process; what it cannot see from there, it asks the process that started it.

import type { Client } from "taskflock";

/** Numbers of one run. */
export type Figures = Readonly<Record<string, number>>;

export interface Bench {
  readonly client: Client;
  /** Names of the two workers. */
  readonly workers: readonly [string, string];
  /** Runs `body` and gives its seconds; who started us reads meanwhile what every process spends, for so many tasks. */
  measure(tasks: number, body: () => Promise<void>): Promise<number>;
  /** What the scheduler's heap and array buffers hold after a forced garbage collection. */
  schedulerBytesInUse(): Promise<number>;
  schedulerResidentBytes(): Promise<number>;
}

/** One run; called again and again on one cluster. Releases what it made. */
export type Once = () => Promise<Figures>;

export interface Workload {
  /** Its size, and what else is the same in every run. */
  readonly facts: Readonly<Record<string, number | string>>;
  /** Makes ready what is not measured. */
  start(bench: Bench): Promise<Once> | Once;
}

/** A workload that starts a cluster itself; every run in a process of its own. */
export interface LoneWorkload {
  readonly facts: Workload["facts"];
  readonly lone: Once;
}

/** What is said between the client's process and the one that started it. */
export type ToClient =
  | { readonly t: "start"; readonly workload: string; readonly address: string | null }
  | { readonly t: "once" }
  | { readonly t: "answer"; readonly id: number; readonly value: number }
  | { readonly t: "end" };
export type Question =
  | { readonly q: "begin"; readonly tasks: number }
  | { readonly q: "end"; readonly seconds: number }
  | { readonly q: "schedulerBytesInUse" }
  | { readonly q: "schedulerResidentBytes" };
export type FromClient =
  | { readonly t: "ready" }
  | { readonly t: "figures"; readonly figures: Figures }
  | { readonly t: "ask"; readonly id: number; readonly question: Question }
  | { readonly t: "failed"; readonly error: string };
