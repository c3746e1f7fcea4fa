import { relative } from "node:path";
import type { CommitTree } from "../../../adapters/git/git-commit.ts";
import type { Repository } from "../../../adapters/git/git.ts";
import type { Config, EnvironmentConfig } from "../../../config/schema/config.ts";
import { quoteDotenv } from "../../../config/values/dotenv.ts";
import { mostBytes } from "../../../common/file.ts";
import { resolvePath } from "../../../config/values/secret-source.ts";
import { ColdtivateError } from "../../../errors.ts";
import { matchesAny } from "../../../git/pattern.ts";
import type { Revision } from "../../../git/revision.ts";
import { collectComposeFiles, dotenvPlace, type ComposeFiles } from "../../../compose/files/compose-files.ts";
import { baseNames, composeFileList, findComposeFiles } from "../../../compose/files/compose-names.ts";
import { folderOf, normalise } from "../../../compose/files/compose-walk.ts";
import { envFileReferences, readEnvFile } from "../../../compose/files/env-file.ts";
import { examineVariables } from "./examine-variables.ts";
import { refuseSources } from "./source-faults.ts";
import { composeVariables } from "./variables.ts";

export interface ComposeIntent {
  config: Config;
  environment: EnvironmentConfig;
  revision: Revision;
  /** The variables of the environment's dotenv. */
  dotenv: ReadonlyMap<string, string>;
  env: NodeJS.ProcessEnv;
}

/** The Compose files of a release. Paths are relative to the repository. */
export interface ReadCompose {
  files: ComposeFiles;
  /** In the order in which they are merged. */
  listed: string[];
  /** Absent if the environment has none. */
  dotenv?: ReadonlyMap<string, string>;
  /** The commit's own `.env`, which Compose reads if the environment has no dotenv. */
  defaults?: Uint8Array;
  /** The variables that the files interpolate, in addition to those of the dotenv. */
  variables: Record<string, string>;
  /** The variables that secrets and configs in the commit's files take their values from. */
  values: Record<string, string>;
  profiles: string[];
  /** Notes for the user on variables that Compose files refer to. */
  notes: string[];
}

/**
 * Reads an environment's Compose files from a commit, with everything else that Compose needs.
 * @throws ColdtivateError COMPOSE_FILE_MISSING, COMPOSE_INVALID, COMPOSE_VARIABLE_REFUSED, SOURCE_UNREADABLE
 */
export async function readCompose(intent: ComposeIntent, repository: Repository, commit: CommitTree): Promise<ReadCompose> {
  const { environment, dotenv } = intent;
  const read = fileReader(commit);
  const below = (path: string) => normalise(`${repository.prefix}/${path}`);
  const release = releaseVariables(intent);
  const hasDotenv = environment.dotenv !== undefined;
  const envOf = async (folder: string) => (hasDotenv ? undefined : read(normalise(`${folder}/.env`)));
  const parse = (content: Uint8Array | undefined) => (content === undefined ? {} : readEnvFile(new TextDecoder().decode(content), release));

  const here = hasDotenv ? dotenv : new Map(Object.entries(parse(await envOf(repository.prefix))));
  const names =
    environment.compose ??
    composeFileList(here) ??
    (await findComposeFiles(environment.name, async (name) => (await read(below(name))) !== undefined));
  if (names.length === 0) throw noComposeFile(repository.prefix);
  const listed = names.map(below);

  const folder = folderOf(listed[0] ?? "");
  const defaults = await envOf(folder);
  const known: ReadonlyMap<string, string> = hasDotenv ? dotenv : new Map(Object.entries(parse(defaults)));
  const profiles = (known.get("COMPOSE_PROFILES") ?? "").split(",").filter(Boolean);
  const files = await collectComposeFiles(listed, read, {
    profiles,
    needed: intent.config.tasks.map(({ service }) => service),
    variables: { ...Object.fromEntries(known), ...release, ...(hasDotenv ? { DOT_ENV_PATH: dotenvPlace } : {}) },
    ...(environment.dotenv === undefined
      ? {}
      : {
          standIn: {
            paths: [normalise(`${folder}/.env`), ...dotenvPath(intent, below)],
            quoted: quoteDotenv(dotenv),
            raw: environment.dotenv.reveal(),
          },
        }),
  });
  const references = new Map(files.references);
  for (const name of defaults === undefined ? [] : envFileReferences(new TextDecoder().decode(defaults)))
    references.set(name, [...(references.get(name) ?? []), normalise(`${folder}/.env`)]);
  const notes = examineVariables({ references, given: { ...Object.fromEntries(known), ...release }, env: intent.env });
  return {
    files,
    listed,
    notes,
    ...(hasDotenv ? { dotenv } : {}),
    ...(defaults === undefined ? {} : { defaults }),
    variables: Object.fromEntries(Object.entries(release).filter(([name]) => files.variables.has(name))),
    values: Object.fromEntries(
      Object.entries({ ...Object.fromEntries(known), ...release }).filter(([name]) => files.naming.variables.has(name)),
    ),
    profiles,
  };
}

function fileReader(commit: CommitTree) {
  return async (path: string): Promise<Uint8Array | undefined> => {
    const { files, faults } = await commit.read(path, mostBytes);
    refuseSources(faults);
    return files?.length === 1 && files[0]?.path === "" ? files[0].content : undefined;
  };
}

function releaseVariables({ config, environment, revision, env }: ComposeIntent): Record<string, string> {
  return {
    COMPOSE_PROJECT_NAME: `${config.project}-${environment.name}`,
    ...composeVariables({
      environment: environment.name,
      registry: config.registry,
      commit: revision.commit,
      ...(revision.ref === undefined ? {} : { ref: revision.ref }),
      isTag: revision.ref !== undefined && matchesAny(revision.ref, environment.tags),
      hasDotenv: environment.dotenv !== undefined,
      allowed: config.composeVariables,
      env,
    }),
  };
}

/** The paths of the dotenv, or of its parts, in the repository, if they are files there. */
function dotenvPath({ config, environment }: ComposeIntent, below: (path: string) => string): string[] {
  const { dotenvSource, dotenvSources = dotenvSource === undefined ? [] : [dotenvSource] } = environment;
  return dotenvSources.map((source) => below(relative(config.directory, resolvePath(source, config.directory))));
}

function noComposeFile(prefix: string): ColdtivateError {
  return new ColdtivateError("the commit has no Compose file", {
    code: "COMPOSE_FILE_MISSING",
    exit: "usage",
    details: [`none of ${baseNames.join(", ")} is in ${prefix === "" ? "the repository" : prefix}`],
    hint: "Compose files are taken from the commit that is deployed: commit one, or name them under `compose` in coldtivate.yml.",
  });
}
