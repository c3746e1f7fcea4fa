// Bundles src/ into dist/: one entry a command, so that oclif finds them by path, with the shared code in chunks.
import { rmSync } from "node:fs";
import { globSync } from "node:fs";
import { build } from "esbuild";

rmSync("dist", { recursive: true, force: true });
await build({
  entryPoints: [...globSync("src/commands/**/*.ts"), "src/run.ts", "src/help.ts"],
  outbase: "src",
  outdir: "dist",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node22.13",
  packages: "external",
  sourcemap: "linked",
  logLevel: "warning",
});
