// Values that every worker has: the language's own, and those of Node's modules.

/** What to write for the value: an expression of globals, or a member of a builtin module ("" is the module itself). */
export type WellKnown = { readonly expression: string } | { readonly specifier: string; readonly member: string };

/** Undefined for a value of the user's, a package's, or another realm's. */
export function wellKnown(_value: unknown): WellKnown | undefined {
  return undefined;
}
