/**
 * Whether a loader has made CommonJS of this package (tsx does): `import()` would load a second copy then of all that is loaded
 * already.
 */
export function isLoadedByRequire(): boolean {
  return typeof require === "function" && typeof __filename === "string" && __filename in require.cache;
}

/** The file of this package that a module was built to, by `require`: bundlers must not follow it. */
export function required<M>(file: string): M {
  const load = require;
  return load(file) as M;
}
