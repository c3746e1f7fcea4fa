import { defineConfig } from "vitest/config";

const files = (...names: string[]) => names.map((name) => `test/e2e/${name}.test.ts`);
// These have sandboxes of their own, and run beside the others.
/** How a release ends, whatever dies on the way, or lacks. */
const transaction = files("capacity", "failed-release", "faults", "fleet", "people", "rollback");
/** What becomes of images on their way to the registry, by hand and in a pipeline, and there. */
const images = files("attestations", "builders", "content", "gitlab", "push", "registry-login", "registry-prune");

/** What an engine could do in another way: all combinations of engines and stores run these. */
const core = files("adoption", "capacity", "failed-release", "failing-release", "fronts", "prune", "restart", "rollback");

/** All of them deploy to the same hosts. */
const onSandbox = {
  globalSetup: ["test/e2e/sandbox.ts"],
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
      {
        extends: true,
        test: {
          ...onSandbox,
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          exclude: [...transaction, ...images, "test/e2e/compose/**", "test/e2e/engines/**", "test/e2e/differential/**"],
        },
      },
      { extends: true, test: { ...onSandbox, name: "transaction", include: transaction } },
      { extends: true, test: { ...onSandbox, name: "images", include: images } },
      // Compose files and repositories like those of other people.
      { extends: true, test: { ...onSandbox, name: "compose", include: ["test/e2e/compose/**/*.test.ts"] } },
      // The same Compose files with coldtivate and without.
      { extends: true, test: { ...onSandbox, name: "differential", include: ["test/e2e/differential/**/*.test.ts"] } },
      // Debian's next release with containerd's image store.
      { extends: true, test: { ...onSandbox, name: "engines", include: ["test/e2e/engines/**/*.test.ts"] } },
      // On every engine and store, for half an hour: npm run engines.
      { extends: true, test: { ...onSandbox, name: "core", include: [...core, "test/e2e/engines/**/*.test.ts"] } },
      // Takes an hour: npm run faults.
      {
        extends: true,
        test: {
          name: "faults",
          include: ["test/e2e/faults/*matrix.ts"],
          fileParallelism: false,
          globalSetup: ["test/e2e/sandbox.ts"],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
