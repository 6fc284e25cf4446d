import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// Unit tests run on sources, so that they need no build; system tests (`test/`) start real processes from `dist`.
const alias = [
  { find: /^@taskflock\/dashboard$/, replacement: source("packages/dashboard/server/index.ts") },
  { find: /^@taskflock\/dashboard\/watch$/, replacement: source("packages/dashboard/server/watch.ts") },
  { find: /^@taskflock\/protocol\/(code|links)$/, replacement: `${source("packages/protocol/src")}/$1.ts` },
  { find: /^@taskflock\/client\/join-group$/, replacement: source("packages/client/src/groups/join-group.ts") },
  { find: /^@taskflock\/client\/(preload|kept-bytes)$/, replacement: `${source("packages/client/src")}/$1.ts` },
  {
    find: /^@taskflock\/client\/run-command$/,
    replacement: `${source("packages/client/src/commands")}/run-command.ts`,
  },
  {
    find: /^@taskflock\/(\w+)\/(words|machine|functions|training|install)$/,
    replacement: `${source("packages")}/$1/src/$2/index.ts`,
  },
  { find: /^@taskflock\/(\w+)$/, replacement: `${source("packages")}/$1/src/index.ts` },
];

// Where `npm test` puts native TensorFlow.js; tests that need it are skipped when it is not there.
process.env["TASKFLOCK_TENSORFLOW_HOME"] ||= source("node_modules/.cache/tensorflow");

/** They measure messages, allocations and memory, or rely on an order of times: one at a time, with nothing beside them. */
const alone = [
  "test/system/{admission,client-costs,costs,import,memory,scheduling,speculation,start}.test.ts",
  "test/browser/load.test.ts",
];

/** What users install is loaded by Node itself, once. */
const installed = [/\/packages\/\w+\/dist\//];

export default defineConfig({
  test: {
    globalSetup: "scripts/bundle.mjs",
    projects: [
      {
        resolve: { alias },
        test: { name: "unit", include: ["packages/*/test/**/*.test.ts"], testTimeout: 60_000, maxWorkers: 2 },
      },
      // Programs that start others and wait for them; two files at a time.
      {
        test: {
          name: "programs",
          include: ["test/**/*.test.ts"],
          exclude: [...alone, "test/soak/**", "test/infra/**"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          maxConcurrency: 2,
          server: { deps: { external: installed } },
        },
      },
      {
        test: {
          name: "alone",
          include: alone,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          server: { deps: { external: installed } },
        },
      },
      // Alone, after the others: it takes what cores there are for minutes.
      { test: { name: "soak", include: ["test/soak/*.test.ts"], fileParallelism: false, sequence: { groupOrder: 2 } } },
    ],
  },
});
