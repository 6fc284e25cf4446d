// The backend in plain JavaScript that `@tensorflow/tfjs` brings itself.
import type { TensorFlow } from "../types.ts";
import { type Attempt, useBackend } from "./attempt.ts";

export const tryCpu: Attempt = async ({ tf }) => {
  const why = await useBackend(tf, "cpu");
  return why === null ? { versions: {}, device: null } : { why };
};

/** Keeps it from printing an advertisement of tfjs-node when it is first used: the choice is told in a line of our own. */
export function quietCpu(tf: TensorFlow): void {
  const backend = tf.findBackend("cpu") as { firstUse?: boolean } | null;
  if (backend?.firstUse === true) backend.firstUse = false;
}
