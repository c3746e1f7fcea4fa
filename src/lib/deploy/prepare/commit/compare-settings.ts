import { basename } from "node:path";
import type { CommitTree } from "../../../adapters/git/git-commit.ts";
import type { Repository } from "../../../adapters/git/git.ts";
import type { Config } from "../../../config/schema/config.ts";
import { parseSource } from "../../../config/mistakes/document.ts";
import { mostBytes, textOf } from "../../../common/file.ts";
import { isMapping } from "../../../common/plain.ts";
import { formatPath, type Path } from "../../../common/problem.ts";
import { normalise } from "../../../compose/files/compose-walk.ts";

/** The most that are named; the rest is only counted. */
const most = 10;

/**
 * Notes where the coldtivate.yml of the working tree differs from the one in the deployed commit. Settings of other environments
 * do not count. The note names paths but no values, because values may be secret.
 */
export async function compareSettings(
  { path }: Pick<Config, "path">,
  environment: string,
  { prefix }: Pick<Repository, "prefix">,
  commit: CommitTree,
): Promise<string[]> {
  const here = textOf(path);
  if (here === undefined) return [];
  const name = basename(path);
  const { files: [file] = [], faults } = await commit.read(normalise(`${prefix}/${name}`), mostBytes);
  const taken = `${name} is taken as it is here`;
  const unreadable = `${taken}, and differs from the commit's, which cannot be read`;
  if (faults.length > 0) return [unreadable];
  if (file === undefined || file.path !== "") return [`${taken}: the commit has none`];
  const there = Buffer.from(file.content).toString();
  if (here === there) return [];
  const [own, committed] = [here, there].map((text) => parseSource(text, (value) => value));
  if (!own?.readable || !committed?.readable) return [unreadable];
  const paths = differences(own.value, committed.value, []).filter(
    ([section, other]) => section !== "environments" || other === undefined || other === environment,
  );
  if (paths.length === 0) return [];
  const more = paths.length > most ? ` and ${paths.length - most} more` : "";
  return [`${taken}, and differs from the commit's in ${paths.slice(0, most).map(formatPath).join(", ")}${more}`];
}

/** The paths at which two values differ, as deep as both have something there. */
function differences(one: unknown, other: unknown, path: Path): Path[] {
  if (Array.isArray(one) && Array.isArray(other) && one.length === other.length)
    return one.flatMap((item, index) => differences(item, other[index], [...path, index]));
  if (!isMapping(one) || !isMapping(other)) return Object.is(one, other) ? [] : [path];
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].flatMap((key) => differences(one[key], other[key], [...path, key]));
}
