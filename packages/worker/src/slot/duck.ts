// Values of a user's that are known by what they can do.

/** Lets go of an object in its own way, if it has one. */
export async function disposeOf(instance: unknown): Promise<void> {
  if (typeof instance !== "object" || instance === null) return;
  const { asyncDispose, dispose } = Symbol as { readonly asyncDispose?: symbol; readonly dispose?: symbol };
  for (const way of [asyncDispose, dispose]) {
    const method: unknown = way === undefined ? undefined : Reflect.get(instance, way);
    if (typeof method !== "function") continue;
    await Reflect.apply(method, instance, []);
    return;
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === "object" || typeof value === "function") &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
