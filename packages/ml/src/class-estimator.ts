// An estimator that a user wrote as a class, seen as the object of functions that a search works with.

import { FlockError } from "@taskflock/protocol/words";
import type { Estimator, EstimatorClass, EstimatorInput, EstimatorInstance, EstimatorKind } from "./estimator.ts";
import { show } from "./estimators/parameter-checks.ts";
import { isPlainObject, kindOf } from "./kinds.ts";
import type { Labels } from "./labels.ts";
import { privateFieldsOf } from "./private-fields.ts";

const SHAPE =
  "The class of an estimator has static params, fit(X, y), which keeps the model in the instance's fields, and predict(X).";

type Instance<M, I> = M & EstimatorInstance<I>;

/** `M` is the class's instance. */
export class ClassEstimator<P extends object, M, I> implements Estimator<P, M, I> {
  readonly type: EstimatorClass<P, M, I>;
  readonly name: string;
  readonly params: Readonly<P>;
  readonly kind: EstimatorKind;
  readonly input: EstimatorInput;

  constructor(type: EstimatorClass<P, M, I>) {
    this.type = type;
    this.name = type.name || "estimator";
    this.params = type.params;
    this.kind = type.kind ?? "classifier";
    this.input = type.input ?? "matrix";
  }

  /** Makes an instance as a fit would: throws FLOCK_ML_PARAMETER when the constructor does, FLOCK_ML_ESTIMATOR for what it lacks. */
  check(params: Readonly<P>): null {
    const instance = this.#make(params);
    for (const method of ["fit", "predict"] as const) {
      if (typeof instance[method] !== "function") throw wrong(this, `has no method ${method}. ${SHAPE}`);
    }
    return null;
  }

  /** Refuses a class whose fitted instances could not come back from a worker. Throws FLOCK_ML_ESTIMATOR. */
  checkReturns(): void {
    const hidden = privateFieldsOf(this.#make(this.params));
    if (hidden.length === 0) return;
    const advice =
      "Write them without the # (TypeScript's `private` is fine), or search with refit: false, for the scores alone.";
    throw wrong(this, `has private fields, ${hidden.join(", ")}, and they do not come back from a worker. ${advice}`);
  }

  async fit(X: I, y: Labels, params: Readonly<P>): Promise<M> {
    const instance = new this.type(params);
    const returned: unknown = await instance.fit(X, y);
    if (returned === undefined || returned === instance) return instance;
    const advice =
      "The fit of a class keeps the model in the instance's fields, and returns nothing or this. (The fit of an object returns the model.)";
    throw wrongEstimator(`fit of ${this.name} returned ${kindOf(returned)}. ${advice}`);
  }

  predict(model: M, X: I): Labels {
    return (model as Instance<M, I>).predict(X);
  }

  /** What of a fitted instance travels. Functions that the constructor makes are made by it again. */
  fieldsOf(model: M, params: Readonly<P>): Readonly<Record<string, unknown>> {
    const fresh = new this.type(params) as Readonly<Record<string, unknown>>;
    const remade = (name: string, value: unknown): boolean =>
      typeof value === "function" && typeof fresh[name] === "function" && String(value) === String(fresh[name]);
    return Object.fromEntries(Object.entries(model as object).filter(([name, value]) => !remade(name, value)));
  }

  /** The fitted instance, of its fields. */
  instanceOf(fields: Readonly<Record<string, unknown>>, params: Readonly<P>): M {
    return Object.assign(new this.type(params), fields);
  }

  #make(params: Readonly<P>): Instance<M, I> {
    try {
      return new this.type(params);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new FlockError("FLOCK_ML_PARAMETER", `Estimator ${this.name} refuses ${show(params)}: ${why}`, { cause });
    }
  }
}

/** The estimator of whatever was given as one. Throws FLOCK_ML_ESTIMATOR. */
export function asEstimator<P extends object, M, I>(
  given: Estimator<P, M, I> | EstimatorClass<P, M, I>,
): Estimator<P, M, I> {
  if (typeof given === "function") return checkedClass(given);
  if (given instanceof ClassEstimator) return given;
  const { fit, predict, params } = (given ?? {}) as Partial<Estimator<P, M, I>>;
  if (typeof fit !== "function" || typeof predict !== "function") {
    throw wrongEstimator(
      `An estimator is an object with name, params, fit and predict, such as svc(), or a class with fit and predict, not ${kindOf(given)}.`,
    );
  }
  if (!isPlainObject(given)) {
    const name = (given as object).constructor?.name ?? "a class";
    throw wrongEstimator(
      `The estimator is an instance of ${name}, and a search makes its own. Give the class, estimator: ${name}, and the values of the instance's parameters in params.`,
    );
  }
  if (!isObject(params)) {
    throw wrongEstimator(
      `Estimator ${String(given.name)} has no params: an object of all parameters with their defaults.`,
    );
  }
  return given;
}

/** Of the class as the user has it: on a worker, what compilers write behind a class may be missing. */
function checkedClass<P extends object, M, I>(type: EstimatorClass<P, M, I>): ClassEstimator<P, M, I> {
  const estimator = new ClassEstimator(type);
  const { name, params } = estimator;
  const isClass = Object.getOwnPropertyDescriptor(type, "prototype")?.writable === false;
  if (!isClass && typeof type.prototype?.fit !== "function") {
    throw wrongEstimator(`The estimator is the function ${name}. If it makes one, call it: ${name}(). ${SHAPE}`);
  }
  if (!isObject(params)) {
    const example = "`static params = { k: 5 }`, or `static params = {}` where there are none";
    throw wrong(estimator, `has no static params, which name all parameters with their defaults: ${example}.`);
  }
  return estimator;
}

function wrong<P extends object, M, I>({ name }: ClassEstimator<P, M, I>, problem: string): FlockError {
  return wrongEstimator(`The class ${name} ${problem}`);
}

function wrongEstimator(message: string): FlockError {
  return new FlockError("FLOCK_ML_ESTIMATOR", message);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
