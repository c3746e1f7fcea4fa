// Bundles src/ into dist/, with the packages that every start needs (docs/adr/0009-bundle-the-start.md): one entry a
// command, so that oclif finds them by path, with the shared code in chunks.
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Config } from "@oclif/core";
import { build } from "esbuild";
import { takeBuiltins } from "./build/builtins.mjs";
import { collectLicences } from "./build/licences.mjs";
import { plugins } from "./build/plugins.mjs";

const manifest = "oclif.manifest.json";
const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));

const { metafile, outputFiles } = await build({
  entryPoints: [...globSync("src/commands/**/*.ts"), "src/compile-cache.ts", "src/run.ts", "src/help.ts"],
  outbase: "src",
  outdir: "dist",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node22.13",
  external: [...Object.keys(dependencies), "typescript"],
  plugins,
  // bin/run.js has looked at the version.
  define: { "process.env.OCLIF_DISABLE_ENGINE_WARNING": '"1"' },
  sourcemap: "linked",
  sourcesContent: false,
  legalComments: "linked",
  metafile: true,
  write: false,
  logLevel: "warning",
});

for (const path of ["dist", manifest]) rmSync(path, { recursive: true, force: true });
for (const { path, text } of outputFiles) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, path.endsWith(".js") ? takeBuiltins(text) : text);
}
writeFileSync("dist/licences.txt", collectLicences(Object.keys(metafile.inputs)));

// With it, oclif knows the commands without loading them.
const { plugins: loaded, pjson } = await Config.load({ root: process.cwd() });
writeFileSync(manifest, JSON.stringify(loaded.get(pjson.name).manifest, undefined, 2));
