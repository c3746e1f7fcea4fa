import { quoteDotenv } from "../config/dotenv/dotenv-quote.ts";
import { ColdtivateError } from "../errors.ts";
import { isActive, type ComposeModel, type ComposeService, type ComposeSource, type ComposeSourceUse } from "../compose/model.ts";
import { mapValues } from "../common/plain.ts";
import { keepTree, type Digest, type KeptFile, type SourceFile } from "../compose/sources.ts";
import { packFiles, type TarFile } from "./tar-files.ts";

// Configs and secrets that do not come from a file. Compose writes them into a container before it starts it, with the owner and
// the mode that the service asks for. For this, the host stores the variables. It also stores archives with the same content, for
// containers that Compose does not start. A container with a read-only file system cannot be written to, so it mounts a file
// instead.

export interface VariablesInput {
  model: ComposeModel;
  /** The variables that configs and secrets may come from. */
  variables: Readonly<Record<string, string>>;
  /** Active Compose profiles. */
  profiles: readonly string[];
  digest: Digest;
}

export interface NamedVariables {
  /** Configs and secrets from a variable have the key `variable` until restoreVariables restores the original key. */
  model: ComposeModel;
  /** The name depends on the value, so that another value gives another definition. */
  values: ReadonlyMap<string, string>;
  /** Content that may be written as files, by variable. */
  variables: Record<string, string>;
}

type Kind = "configs" | "secrets";
const kinds: readonly Kind[] = ["configs", "secrets"];

/** @throws ColdtivateError VARIABLE_NOT_SET that names every secret and config of the release whose variable is not set */
export function nameVariables(input: VariablesInput): NamedVariables {
  refuseMissing(input);
  const { model, variables, digest } = input;
  const values = new Map<string, string>();
  const texts: Record<string, string> = { ...variables };
  const twins: Record<Kind, Record<string, ComposeSource>> = { configs: {}, secrets: {} };

  const asFile = (kind: Kind, entry: ComposeSourceUse): ComposeSourceUse => {
    const { environment, content, ...rest } = model[kind]?.[entry.source] ?? {};
    if (environment === undefined && content === undefined) return entry;
    const name = `${entry.source}-as-file`;
    const variable = environment ?? `${kind}.${entry.source}`;
    if (content !== undefined) texts[variable] = plain(content);
    twins[kind][name] = { ...rest, environment: variable };
    return { ...entry, source: name, target: targetOf(kind, entry) };
  };
  const rename = (source: ComposeSource): ComposeSource => {
    const { environment, ...rest } = source;
    if (environment === undefined) return source;
    const value = variables[environment] ?? "";
    const name = `${environment}_${digest(value).slice(0, 12)}`;
    values.set(name, value);
    return { ...rest, variable: name };
  };

  const services = mapValues(model.services, (service) => {
    if (service["read_only"] !== true) return service;
    return { ...service, ...fromKinds((kind) => service[kind]?.map((entry) => asFile(kind, entry))) };
  });
  const sources = fromKinds((kind) => model[kind] && { ...mapValues(model[kind], rename), ...twins[kind] });
  return { model: { ...model, ...sources, services }, values, variables: texts };
}

/** Restores the form of sources that Compose knows. */
export function restoreVariables(sources: Record<string, ComposeSource>): Record<string, ComposeSource> {
  return mapValues(sources, ({ variable, ...source }) => (typeof variable === "string" ? { ...source, environment: variable } : source));
}

/** The key of the model that says where a release stores what Compose writes into containers. */
export const writtenKey = "x-coldtivate-written";

/**
 * The files that a host needs to write configs and secrets into containers, and their place; undefined if there is nothing to
 * write.
 * @param model rendered
 */
export function keepWritten(
  model: ComposeModel,
  values: ReadonlyMap<string, string>,
  digest: Digest,
): { place: string; kept: KeptFile[] } | undefined {
  const archives = Object.entries(model.services).flatMap(([name, service]) => archivesOf(name, service, model, values));
  const files = [
    ...(values.size === 0 ? [] : [file("variables", new TextEncoder().encode(quoteDotenv(values)))]),
    ...archives.map(({ path, files: packed }) => file(path, packFiles(packed))),
  ];
  return files.length === 0 ? undefined : keepTree("written", { files }, digest);
}

function file(path: string, content: Uint8Array): SourceFile {
  return { path, executable: false, content };
}

/**
 * Packs the files of a service into archives. Files with an owner of their own get a separate one: Compose has the engine look
 * that owner up.
 */
function archivesOf(name: string, service: ComposeService, model: ComposeModel, values: ReadonlyMap<string, string>) {
  const files = kinds.flatMap((kind) =>
    (service[kind] ?? []).flatMap((entry: ComposeSourceUse): (TarFile & { isOwned: boolean })[] => {
      const { environment, content } = model[kind]?.[entry.source] ?? {};
      const text = environment === undefined ? content && plain(content) : values.get(environment);
      if (text === undefined) return [];
      const { uid = "", gid = "" } = entry;
      const owner = { uid: Number(uid) || 0, gid: Number(gid) || 0 };
      const bytes = new TextEncoder().encode(text);
      return [{ path: targetOf(kind, entry), content: bytes, mode: modeOf(entry.mode), ...owner, isOwned: uid !== "" || gid !== "" }];
    }),
  );
  const plainly = files.filter(({ isOwned }) => !isOwned);
  const owned = files.filter(({ isOwned }) => isOwned);
  return [
    ...(plainly.length === 0 ? [] : [{ path: `${name}.tar`, files: plainly }]),
    ...(owned.length === 0 ? [] : [{ path: `${name}.owned.tar`, files: owned }]),
  ];
}

function targetOf(kind: Kind, { source, target }: ComposeSourceUse): string {
  const folder = kind === "secrets" ? "/run/secrets/" : "/";
  if (target === undefined || target === "") return `${folder}${source}`;
  return target.startsWith("/") ? target : `${folder}${target}`;
}

function modeOf(mode: number | string | undefined): number {
  return typeof mode === "string" ? Number.parseInt(mode.replace(/^0o/, ""), 8) : (mode ?? 0o444);
}

/** Compose interpolates the rendered model once more. */
function plain(text: string): string {
  return text.replaceAll("$$", "$");
}

function fromKinds<Value>(make: (kind: Kind) => Value | undefined): Partial<Record<Kind, Value>> {
  const made = kinds.map((kind) => [kind, make(kind)] as const).filter(([, value]) => value !== undefined);
  return Object.fromEntries(made);
}

function refuseMissing({ model, variables, profiles }: VariablesInput): void {
  const active = Object.entries(model.services).filter(([, service]) => isActive(service, profiles));
  const missing = kinds.flatMap((kind) =>
    Object.entries(model[kind] ?? {}).flatMap(([name, { environment }]) => {
      if (environment === undefined || variables[environment] !== undefined) return [];
      const users = active.filter(([, service]) => service[kind]?.some(({ source }) => source === name)).map(([user]) => user);
      return users.length === 0 ? [] : [`${kind}.${name}, for ${users.join(", ")}: the variable ${environment} is not set`];
    }),
  );
  if (missing.length === 0) return;
  throw new ColdtivateError("secrets or configs come from variables that are not set", {
    code: "VARIABLE_NOT_SET",
    exit: "usage",
    details: missing,
    hint: "Set them in the environment's dotenv. Of your own environment only variables count that give nobody a right, and those under compose_variables in coldtivate.yml.",
  });
}
