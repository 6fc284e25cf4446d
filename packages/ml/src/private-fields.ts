// The names of an object's private fields: the language shows them to no code outside of the class, the inspector does.

import { type Runtime, Session } from "node:inspector";

const SLOT: unique symbol = Symbol.for("taskflock.ml.inspected");

/** With the #; those of the classes above included. Private methods and accessors are no fields. */
export function privateFieldsOf(object: object): string[] {
  const session = new Session();
  session.connect();
  Reflect.set(globalThis, SLOT, object);
  try {
    const expression = `globalThis[Symbol.for("taskflock.ml.inspected")]`;
    const { result } = ask<Runtime.EvaluateReturnType>(session, "Runtime.evaluate", { expression });
    const parameters = { objectId: result.objectId, ownProperties: true };
    const found = ask<Runtime.GetPropertiesReturnType & Privates>(session, "Runtime.getProperties", parameters);
    return (found.privateProperties ?? []).flatMap(({ name, value }) => (value === undefined ? [] : [name]));
  } finally {
    Reflect.deleteProperty(globalThis, SLOT);
    session.disconnect();
  }
}

/** What the types of Node leave out. */
interface Privates {
  readonly privateProperties?: readonly { readonly name: string; readonly value?: object }[];
}

/** On a session of the own thread the answer comes before the call returns. */
function ask<R>(session: Session, method: string, parameters: object): R {
  let answer: R | undefined;
  session.post(method, parameters, (error: Error | null, result?: unknown) => {
    if (error !== null) throw error;
    answer = result as R;
  });
  return answer as R;
}
