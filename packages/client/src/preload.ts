import { isLoadedByRequire, required } from "./loaded-by-require.ts";

let preloaded: Promise<void> | undefined;

/**
 * Loads what a connection and a first function need, and looks at a function for the first time, which takes the engine some 0.1 s:
 * for whoever has to wait anyway before there is something to connect to. Once in a process; never rejects.
 */
export function preload(): Promise<void> {
  preloaded ??= rehearseOnce();
  return preloaded;
}

async function rehearseOnce(): Promise<void> {
  try {
    const { rehearse } = await loadRehearsal();
    rehearse();
  } catch {
    // Whoever connects, or submits, is told what is wrong.
  }
}

async function loadRehearsal(): Promise<typeof import("./rehearsal.ts")> {
  return isLoadedByRequire() ? required("./rehearsal.js") : import("./rehearsal.ts");
}
