import { defineConfig } from "vitest/config";

/** How a release ends, whatever dies on the way, or lacks. */
const transaction = ["test/e2e/transaction/**/*.test.ts", "test/e2e/faults/**/*.test.ts"];
/** What becomes of images on their way to the registry, by hand and in a pipeline, and there. */
const images = ["test/e2e/images/**/*.test.ts"];
/** Compose files and repositories like those of other people. */
const compose = ["test/e2e/compose/**/*.test.ts"];
/** The same Compose files with coldtivate and without. */
const differential = ["test/e2e/differential/**/*.test.ts"];
/** Debian's next release with containerd's image store. */
const engines = ["test/e2e/engines/**/*.test.ts"];
/** These have sandboxes of their own, and run beside the others. */
const lanes = [...transaction, ...images, ...compose, ...differential, ...engines];

/** What an engine could do in another way: all combinations of engines and stores run these. */
const core = [
  "deploy/adoption",
  "deploy/kept-releases",
  "fronts/engine-restart",
  "fronts/failing-monorepo-version",
  "fronts/failing-version",
  "transaction/capacity",
  "transaction/rollback",
  "transaction/undone-release",
].map((name) => `test/e2e/${name}.test.ts`);

/** All of them deploy to the same hosts. */
const onSandbox = {
  globalSetup: ["test/e2e/support/global-setup.ts"],
  fileParallelism: false,
  // What hangs is to end some day; nothing is measured by it.
  testTimeout: 600_000,
  hookTimeout: 600_000,
};

export default defineConfig({
  test: {
    // @oclif/test captures what commands print, and vitest must not take it first.
    disableConsoleIntercept: true,
    projects: [
      // In one process: to load everything anew for each file takes longer than the tests do.
      { extends: true, test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 180_000, isolate: false } },
      { extends: true, test: { ...onSandbox, name: "e2e", include: ["test/e2e/**/*.test.ts"], exclude: lanes } },
      { extends: true, test: { ...onSandbox, name: "transaction", include: transaction } },
      { extends: true, test: { ...onSandbox, name: "images", include: images } },
      { extends: true, test: { ...onSandbox, name: "compose", include: compose } },
      { extends: true, test: { ...onSandbox, name: "differential", include: differential } },
      { extends: true, test: { ...onSandbox, name: "engines", include: engines } },
      // On every engine and store, for half an hour: npm run engines.
      { extends: true, test: { ...onSandbox, name: "core", include: [...core, ...engines] } },
      // Takes an hour: npm run faults.
      {
        extends: true,
        test: {
          name: "faults",
          include: ["test/e2e/faults/*matrix.ts"],
          fileParallelism: false,
          globalSetup: ["test/e2e/support/global-setup.ts"],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
