/**
 * Loads what a connection and a first function need, and looks at a function for the first time, which takes the engine some 0.1 s:
 * for whoever has to wait anyway before there is something to connect to. Never rejects.
 */
export async function preload(): Promise<void> {
  try {
    const { rehearse } = await loadRehearsal();
    rehearse();
  } catch {
    // Whoever connects, or submits, is told what is wrong.
  }
}

/** As `Client.connect` loads what it needs: where a loader has made CommonJS of this module, `import()` would load a second copy. */
async function loadRehearsal(): Promise<typeof import("./rehearsal.ts")> {
  const isCommonJs = typeof require === "function" && typeof __filename === "string" && __filename in require.cache;
  return isCommonJs ? require("./rehearsal.js") : import("./rehearsal.ts");
}
