// A model on its way from the worker of the final fit. Functions and objects of classes do not come back from a worker; those
// that the model has from its parameters need not, because they are at the search's end already: they are left out, and put
// back there.

import { FlockError } from "@taskflock/protocol/words";
import { ClassEstimator } from "../class-estimator.ts";
import type { Estimator } from "../estimator.ts";
import { isPlainObject } from "../kinds.ts";

type Path = readonly (string | number)[];
type Container = Record<string | number, unknown>;

interface Gap {
  /** Where the model had it. */
  readonly at: Path;
  /** Where the parameters have it. */
  readonly from: Path;
}

export interface PackedModel {
  /** The model, or the fields of the instance that is the model. */
  readonly plain: unknown;
  readonly gaps: readonly Gap[];
}

/** Runs on the worker. Throws FLOCK_ML_ESTIMATOR for a function that the model does not have from its parameters. */
export function packModel<P extends object, M, I>(
  estimator: Pick<Estimator<P, M, I>, "fit" | "predict">,
  model: M,
  params: Readonly<P>,
): PackedModel {
  const type = estimator instanceof ClassEstimator ? estimator : null;
  const given = partsOf(params);
  const gaps: Gap[] = [];
  const packed = new Map<unknown, Container>();
  const pack = (value: unknown, at: Path): unknown => {
    const from = given.get(value);
    if (from !== undefined) {
      gaps.push({ at, from });
      return null;
    }
    if (typeof value === "function") throw functionInModel(type?.name ?? null, at);
    if (!isContainer(value)) return value;
    const known = packed.get(value);
    if (known !== undefined) return known;
    // A model without gaps is its own copy.
    const copy: Container = given.size === 0 ? value : shallowCopy(value);
    packed.set(value, copy);
    eachReference(value, (item, key) => {
      const inner = pack(item, [...at, key]);
      if (inner !== item) copy[key] = inner;
    });
    return copy;
  };
  return { plain: pack(type === null ? model : type.fieldsOf(model, params), []), gaps };
}

/** Runs where the search was started, with the parameters as they are there. */
export function unpackModel<P extends object, M, I>(
  estimator: Estimator<P, M, I>,
  { plain, gaps }: PackedModel,
  params: Readonly<P>,
): M {
  let whole = plain;
  for (const { at, from } of gaps) {
    const part = valueAt(params, from);
    const key = at.at(-1);
    if (key === undefined) whole = part;
    else (valueAt(whole, at.slice(0, -1)) as Container)[key] = part;
  }
  if (!(estimator instanceof ClassEstimator)) return whole as M;
  return estimator.instanceOf(whole as Readonly<Record<string, unknown>>, params);
}

/** What of the parameters does not travel back, each with its path; plain objects and arrays that hold such a thing too. */
function partsOf(params: object): ReadonlyMap<unknown, Path> {
  const parts = new Map<unknown, Path>();
  const seen = new Set<unknown>();
  const look = (value: unknown, path: Path, around: readonly [unknown, Path][]): void => {
    if (!isContainer(value)) {
      for (const [part, at] of [...around, [value, path] as const]) parts.set(part, at);
    } else if (!seen.has(value)) {
      seen.add(value);
      eachReference(value, (item, key) => look(item, [...path, key], [...around, [value, path]]));
    }
  };
  look(params, [], []);
  return parts;
}

function isContainer(value: unknown): value is Container {
  return Array.isArray(value) || isPlainObject(value);
}

/** Calls `visit` with everything in a container that is not a primitive value. */
function eachReference(container: Container, visit: (item: unknown, key: string | number) => void): void {
  const keys = Array.isArray(container) ? container.keys() : Object.keys(container);
  for (const key of keys) {
    const item = container[key];
    if ((typeof item === "object" && item !== null) || typeof item === "function") visit(item, key);
  }
}

function shallowCopy(value: Container): Container {
  return Array.isArray(value) ? ([...value] as unknown as Container) : { ...value };
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Container)[key], value);
}

function functionInModel(type: string | null, at: Path): FlockError {
  const place = at.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join("");
  const where =
    type === null
      ? `fit returned a function in the model, model${place}`
      : `fit of ${type} left a function in this${place}`;
  return new FlockError(
    "FLOCK_ML_ESTIMATOR",
    `${where}. Functions do not come back from a worker, except those of the parameters. ` +
      "Keep what predict needs as plain data, or search with refit: false, for the scores alone.",
  );
}
