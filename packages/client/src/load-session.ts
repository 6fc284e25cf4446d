import { isLoadedByRequire, required } from "./loaded-by-require.ts";

/** What only a connection needs: importing this package stays quick. */
export async function loadSession(): Promise<typeof import("./session.ts")> {
  return isLoadedByRequire() ? required("./session.js") : import("./session.ts");
}

/** What few programs use. */
export async function loadSeldom(): Promise<typeof import("./seldom.ts")> {
  return isLoadedByRequire() ? required("./seldom.js") : import("./seldom.ts");
}
