// Errors always travel: a property that cannot is replaced by a sentence, so that no failure hides behind another.
import type { Encoder } from "./encoder.ts";
import { ERROR_CLASSES, TAG } from "./format.ts";
import { nameOf, withArticle } from "./refusal.ts";

/** Own properties that are written even though native errors do not list them. */
const HIDDEN = ["cause", "errors"] as const;
/** Written as fixed fields. */
const FIXED: ReadonlySet<string> = new Set(["name", "message", "stack", ...HIDDEN]);

export function writeError(encoder: Encoder, error: Error): void {
  const { out } = encoder;
  out.byte(TAG.error);
  out.byte(classIndex(error));
  out.string(displayName(error));
  out.string(text(error, "message") ?? "");
  encoder.write(text(error, "stack"));
  const keys = [
    ...HIDDEN.filter((key) => Object.hasOwn(error, key)),
    ...Object.keys(error).filter((key) => !FIXED.has(key)),
  ];
  out.varint(keys.length);
  for (const key of keys) {
    encoder.key(key);
    writeProperty(encoder, error, key);
  }
}

function writeProperty(encoder: Encoder, error: Error, key: string): void {
  const mark = encoder.mark();
  let value: unknown;
  try {
    value = Reflect.get(error, key);
    encoder.child(key, value);
  } catch {
    encoder.rewind(mark);
    const what = typeof value === "object" && value !== null ? (nameOf(value) ?? "object") : typeof value;
    encoder.out.string(`[${withArticle(what)} that cannot travel]`);
  }
}

/** The nearest class above the error that decodes as itself. */
function classIndex(error: Error): number {
  if (error.name === "FlockError") return ERROR_CLASSES.indexOf("FlockError");
  for (let at: object | null = Object.getPrototypeOf(error); at !== null; at = Object.getPrototypeOf(at)) {
    const maker: unknown = Object.hasOwn(at, "constructor") ? Reflect.get(at, "constructor") : undefined;
    const index = typeof maker === "function" ? (ERROR_CLASSES as readonly string[]).indexOf(maker.name) : -1;
    if (index >= 0) return index;
  }
  return 0;
}

/** `name`, or the class's name when the class did not set it: `class MyError extends TypeError {}` stays a MyError. */
function displayName(error: Error): string {
  const name = text(error, "name") ?? "Error";
  return name === ERROR_CLASSES[classIndex(error)] ? (nameOf(error) ?? name) : name;
}

function text(error: Error, key: "name" | "message" | "stack"): string | undefined {
  try {
    const value: unknown = error[key];
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
