// acorn and eslint-scope, loaded when the first function is looked at: importing this package stays quick.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

let loaded: { readonly acorn: typeof import("acorn"); readonly scope: typeof import("eslint-scope") } | undefined;

export function parser(): NonNullable<typeof loaded> {
  loaded ??= { acorn: require("acorn"), scope: require("eslint-scope") };
  return loaded;
}
