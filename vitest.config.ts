import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // @oclif/test captures what commands print, and vitest must not take it first.
    disableConsoleIntercept: true,
    projects: [
      { extends: true, test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 60_000 } },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: ["test/e2e/sandbox.ts"],
          // All of them deploy to the same two hosts.
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
      // Takes an hour: npm run faults.
      {
        extends: true,
        test: {
          name: "faults",
          include: ["test/e2e/faults/matrix.ts"],
          globalSetup: ["test/e2e/sandbox.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
