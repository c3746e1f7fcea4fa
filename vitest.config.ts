import { defineConfig } from "vitest/config";

/** How a release ends, whatever dies on the way; on a sandbox of its own, so that both halves can run side by side. */
const transaction = ["failed-release", "faults", "fleet", "people", "rollback"].map((name) => `test/e2e/${name}.test.ts`);

/** All of them deploy to the same hosts. */
const onSandbox = {
  globalSetup: ["test/e2e/sandbox.ts"],
  fileParallelism: false,
  testTimeout: 180_000,
  hookTimeout: 300_000,
};

export default defineConfig({
  test: {
    // @oclif/test captures what commands print, and vitest must not take it first.
    disableConsoleIntercept: true,
    projects: [
      { extends: true, test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 60_000 } },
      { extends: true, test: { ...onSandbox, name: "e2e", include: ["test/e2e/**/*.test.ts"], exclude: transaction } },
      { extends: true, test: { ...onSandbox, name: "transaction", include: transaction } },
      // Takes an hour: npm run faults.
      {
        extends: true,
        test: {
          name: "faults",
          include: ["test/e2e/faults/*matrix.ts"],
          fileParallelism: false,
          globalSetup: ["test/e2e/sandbox.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
