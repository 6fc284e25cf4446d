// The tests of `npm run test:system`: containers, cluster managers, clouds. Each takes minutes and machinery of its own, so `npm test`
// leaves them out, and each is skipped with a line that says what the machine lacks.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    globalSetup: "scripts/bundle.mjs",
    include: ["test/infra/**/*.test.ts"],
    testTimeout: 600_000,
    hookTimeout: 1_200_000,
    fileParallelism: false,
    server: { deps: { external: [/\/packages\/\w+\/dist\//] } },
  },
});
