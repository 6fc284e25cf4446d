// Who runs this process or thread may want to know what computes in it: a worker shows it, and prints it once.
import type { TensorChoice } from "./types.ts";

const LISTENER = Symbol.for("taskflock.tensorsLoaded");

/** Tells whoever is registered on the global object. */
export function tellChoice({ backend, versions, device, passedOver }: TensorChoice): void {
  const listener: unknown = Reflect.get(globalThis, LISTENER);
  if (typeof listener === "function") listener({ backend, versions, device, passedOver });
}
