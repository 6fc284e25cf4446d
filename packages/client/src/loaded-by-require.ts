/**
 * Whether a loader has made CommonJS of this package (tsx does): `import()` would load a second copy then of all that is loaded
 * already.
 */
export function isLoadedByRequire(): boolean {
  return typeof require === "function" && typeof __filename === "string" && __filename in require.cache;
}
