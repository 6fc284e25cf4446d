// What travels to the worker of an actor. The worker keeps what the first makes, and hands it to the others in place of their first
// argument.

type Class = new (...args: readonly unknown[]) => object;
type Methods = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;

export function makeActor(type: Class, args: readonly unknown[]): object {
  return new type(...args);
}

/** Of whatever class: what has no such method fails this one call. */
export function callActor(actor: Methods, method: string, args: readonly unknown[]): unknown {
  const own = actor[method];
  if (typeof own !== "function") throw new TypeError(`The actor has no method ${method}.`);
  return own.apply(actor, [...args]);
}

export function readActor(actor: Readonly<Record<string, unknown>>, property: string): unknown {
  return actor[property];
}
