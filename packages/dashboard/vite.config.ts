// The page's build. `scripts/bundle.mjs` runs it and writes what it makes to `dist/web`.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export default defineConfig({
  root: path("web"),
  base: "/status/",
  publicDir: false,
  logLevel: "warn",
  resolve: { alias: { "@taskflock/protocol/words": path("../protocol/src/words/index.ts") } },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: path("dist/web"),
    target: "es2023",
    // The page's Content-Security-Policy allows files of its own only: nothing is put into the markup or into `data:` addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    reportCompressedSize: false,
    write: false,
    rolldownOptions: { input: { index: path("web/index.html"), "sign-in": path("web/sign-in.html") } },
  },
});
