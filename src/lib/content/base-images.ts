import { readDockerfile, type Instruction } from "./dockerfile.ts";

/** Images that a Dockerfile names: those known as references, and those whose names cannot be known before the build. */
export interface BaseImages {
  references: string[];
  unknown: string[];
}

export interface BaseOptions {
  /** Build arguments by name. */
  args: Readonly<Record<string, string>>;
  platforms: readonly string[];
  /** Names of additional contexts. They do not refer to images. */
  contexts: readonly string[];
}

/**
 * Finds the images that a Dockerfile uses in FROM, COPY --from and RUN --mount=…,from=. Covers all stages, whether a target needs
 * them or not.
 */
export function findBaseImages(text: string, { args, platforms, contexts }: BaseOptions): BaseImages {
  const own = new Set(["scratch", ...contexts.map((name) => name.toLowerCase())]);
  const found: BaseImages = { references: [], unknown: [] };
  const globals = new Map<string, string>();
  let stages = 0;

  const take = (written: string, scope: ReadonlyMap<string, string>) => {
    for (const variables of forEachPlatform(scope, platforms)) {
      const name = substitute(written, variables);
      if (name === undefined || name === "") found.unknown.push(written);
      else if (!own.has(name.toLowerCase()) && !isStageNumber(name, stages)) found.references.push(name);
    }
  };

  for (const instruction of readDockerfile(text)) {
    if (instruction.name === "ARG" && stages === 0) readArguments(instruction.rest, args, globals);
    if (instruction.name === "FROM") {
      const [image = "", as, name] = instruction.rest.split(/\s+/);
      take(image, globals);
      stages++;
      if (as?.toLowerCase() === "as" && name !== undefined) own.add(name.toLowerCase());
    }
    for (const source of sourcesOf(instruction)) take(source, globals);
  }
  return { references: [...new Set(found.references)].toSorted(), unknown: [...new Set(found.unknown)].toSorted() };
}

/**
 * Finds the image that the target of a Dockerfile, or its last stage, is built from. Follows its own stages. Returns undefined if
 * the image cannot be known before the build, or if there is none.
 */
export function findBase(
  text: string,
  { args, target }: { args: Readonly<Record<string, string>>; target?: string | undefined },
): string | undefined {
  const globals = new Map<string, string>();
  const stages: { base: string | undefined; name: string | undefined }[] = [];
  for (const instruction of readDockerfile(text)) {
    if (instruction.name === "ARG" && stages.length === 0) readArguments(instruction.rest, args, globals);
    if (instruction.name !== "FROM") continue;
    const [image = "", as, name] = instruction.rest.split(/\s+/);
    stages.push({ base: substitute(image, globals), name: as?.toLowerCase() === "as" ? name?.toLowerCase() : undefined });
  }
  const indexOf = (name: string, before: number) => stages.slice(0, before).findLastIndex((stage) => stage.name === name.toLowerCase());
  let at = target === undefined ? stages.length - 1 : indexOf(target, stages.length);
  for (;;) {
    const base = stages[at]?.base;
    const earlier = base === undefined ? -1 : indexOf(base, at);
    if (earlier === -1) return base === "" || base === "scratch" ? undefined : base;
    at = earlier;
  }
}

/** Images and stages that a COPY, ADD or RUN takes files from. */
function sourcesOf({ name, flags }: Instruction): string[] {
  if (name === "COPY" || name === "ADD") return flags.flatMap((flag) => (flag.startsWith("from=") ? [flag.slice("from=".length)] : []));
  if (name !== "RUN") return [];
  const mounts = flags.filter((flag) => flag.startsWith("mount=")).flatMap((flag) => flag.slice("mount=".length).split(","));
  return mounts.flatMap((option) => (option.startsWith("from=") ? [option.slice("from=".length)] : []));
}

function isStageNumber(name: string, stages: number): boolean {
  return /^\d+$/.test(name) && Number(name) < stages;
}

/** Reads `ARG BASE=debian OTHER`. A given value wins over the default. A default may use arguments declared before it. */
function readArguments(rest: string, given: Readonly<Record<string, string>>, globals: Map<string, string>): void {
  for (const [, name = "", quoted, single, bare] of rest.matchAll(/([A-Za-z_]\w*)(?:=(?:"([^"]*)"|'([^']*)'|(\S*)))?/g)) {
    const written = single ?? quoted ?? bare;
    const value = given[name] ?? (written === undefined || single !== undefined ? written : substitute(written, globals));
    if (value === undefined) globals.delete(name);
    else globals.set(name, value);
  }
}

/** Adds what BuildKit knows about each platform that is asked for. If none is, the builder decides, and nothing is added. */
function forEachPlatform(scope: ReadonlyMap<string, string>, platforms: readonly string[]): ReadonlyMap<string, string>[] {
  if (platforms.length === 0) return [scope];
  return platforms.map((platform) => {
    const [os = "", architecture = "", variant = ""] = platform.split("/");
    const known = { TARGETPLATFORM: platform, TARGETOS: os, TARGETARCH: architecture, TARGETVARIANT: variant };
    return new Map([...Object.entries(known), ...scope]);
  });
}

/**
 * Fills in `$NAME`, `${NAME}`, `${NAME:-text}`, `${NAME-text}`, `${NAME:+text}`. Returns undefined if a variable is unknown or if
 * the form is another one.
 */
function substitute(text: string, variables: ReadonlyMap<string, string>): string | undefined {
  let unknown = false;
  const result = text
    .replace(/^(["'])(.*)\1$/s, "$2")
    .replace(/\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-+])([^{}$]*))?\})/g, (_, plain?: string, name = plain, form = "", other = "") => {
      const value = variables.get(name ?? "");
      const isThere = value !== undefined && (value !== "" || !form.startsWith(":"));
      if (form.endsWith("+")) return isThere ? other : "";
      if (form.endsWith("-") && !isThere) return other;
      unknown ||= value === undefined;
      return value ?? "";
    });
  return unknown || result.includes("$") ? undefined : result;
}
