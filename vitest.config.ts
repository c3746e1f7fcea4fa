import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // @oclif/test captures what commands print, and vitest must not take it first.
    disableConsoleIntercept: true,
    include: ["test/**/*.test.ts"],
  },
});
