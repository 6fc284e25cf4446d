// What trying a backend means: it is made the engine's own, or it says why it cannot be.
import type { TensorFlow } from "../types.ts";

export interface Surroundings {
  /** The copy of `@tensorflow/tfjs` that the user's program gets. */
  readonly tf: TensorFlow;
  /** False in a thread. */
  readonly mainThread: boolean;
  /** It was asked for by name: what merely would be a bad choice is taken nevertheless. */
  readonly forced: boolean;
}

export interface Ready {
  readonly versions: Readonly<Record<string, string>>;
  readonly device: string | null;
}

export interface Refusal {
  readonly why: string;
}

export type Attempt = (surroundings: Surroundings) => Promise<Ready | Refusal>;

export const onlyInProcesses =
  'it works only in the main thread of a process, and this is a thread: run the task with isolation: "process"';

export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0]!.trim();
}

/** Makes it the engine's backend; the reason when that does not work. TensorFlow.js tells it by `console.warn` only. */
export async function useBackend(tf: TensorFlow, name: string): Promise<string | null> {
  const said: unknown[] = [];
  const { warn } = console;
  console.warn = (...words: unknown[]) => said.push(...words);
  try {
    if (await tf.setBackend(name)) return null;
    return said.length > 0 ? said.map(reasonOf).join("; ") : `the backend ${name} does not start`;
  } catch (error) {
    return reasonOf(error);
  } finally {
    console.warn = warn;
  }
}
