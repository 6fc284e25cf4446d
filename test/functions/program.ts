// A program of the matrix: a module as a user may write it, and what it must compute. Its names at the top level are its own among
// all programs, because the REPL and the notebook take all of them into one scope.
import type { Client } from "taskflock";

export interface Program {
  readonly name: string;
  /** Found without a cluster; may be a promise. */
  readonly expected: unknown;
  readonly run: (client: Client) => Promise<unknown>;
}

export const programs: Program[] = [];

export function program(name: string, expected: unknown, run: Program["run"]): void {
  programs.push({ name, expected, run });
}
