import { globSync, readFileSync } from "node:fs";

/**
 * The licences of the packages that files of a bundle come from, as one text.
 * @param inputs paths of the files
 * @throws when a package has none
 */
export function collectLicences(inputs) {
  const folders = new Set(inputs.flatMap((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0] ?? []));
  return [...folders]
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map(describe)
    .join(`\n${"-".repeat(80)}\n\n`);
}

function describe(folder) {
  const { name, version, license, author } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const [file] = globSync(`${folder}/{LICEN[CS]E,licen[cs]e,License}*`);
  if (file === undefined && license === undefined) throw new Error(`${name} is bundled and has no licence`);
  const text = file === undefined ? `By ${author?.name ?? author}.\n` : readFileSync(file, "utf8");
  return `${name} ${version}: ${license}\n\n${text.trim()}\n`;
}
