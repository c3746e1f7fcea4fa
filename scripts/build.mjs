// Bundles src/ into dist/: one entry a command, so that oclif finds them by path, with the shared code in chunks.
import { globSync, rmSync, writeFileSync } from "node:fs";
import { Config } from "@oclif/core";
import { build } from "esbuild";

const manifest = "oclif.manifest.json";

for (const path of ["dist", manifest]) rmSync(path, { recursive: true, force: true });
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

// With it, oclif knows the commands without loading all of them at every start: 150 ms instead of 450.
const { plugins, pjson } = await Config.load({ root: process.cwd() });
writeFileSync(manifest, JSON.stringify(plugins.get(pjson.name).manifest, undefined, 2));
