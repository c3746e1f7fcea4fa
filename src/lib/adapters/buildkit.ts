import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import * as z from "zod";
import { ColdtivateError } from "../errors.ts";
import type { BakeDefinition } from "../images/bake-definition.ts";
import type { BuildStatus } from "../images/build-status.ts";
import { readBuildStream } from "./buildkit-stream.ts";
import { describeDockerFailure, describeDockerTrouble } from "./docker-failure.ts";

/** The builder that the user's Docker has chosen. */
export interface Builder {
  /** Its name, where it is not the chosen one. */
  name?: string;
  /** Whether it is the Docker engine itself: its registries and images are the engine's. */
  isEngine: boolean;
  /** Whether it can put a layer cache into a registry, and make an index: of several platforms, or with attestations. */
  cacheExport: boolean;
  /** What it builds for unless it is told, such as `linux/amd64`; where it says so. */
  platform?: string;
}

export interface BakeOptions {
  /** The folder that contexts are relative to. */
  directory: string;
  /** An existing folder for files that others must not read. */
  privateDirectory: string;
  output: "load" | "push";
  env: Record<string, string>;
  builder: Builder;
  signal: AbortSignal;
  onStatus: (status: BuildStatus) => void;
}

/** What a bake made, by target; the digest of a manifest is missing where the engine keeps none. */
export type BakedImages = Map<string, { digest?: string; configuration?: string }>;

/** How a bake ended: what it made, or what buildx said in the end. */
export type BakeResult = { images: BakedImages } | { images?: never; exitCode: number | undefined; said: string[]; cause: unknown };

const metadata = z.record(z.string(), z.unknown());
const withDigest = z.object({ "containerimage.digest": z.string(), "containerimage.config.digest": z.string().optional() });

/**
 * Looks at the builder before anything is asked of it.
 * @param name a builder of buildx; the chosen one unless said otherwise
 * @throws ColdtivateError DOCKER_MISSING, BUILDX_MISSING, DOCKER_UNREACHABLE, BUILDER_UNUSABLE
 */
export async function inspectBuilder(signal: AbortSignal, name?: string): Promise<Builder> {
  const about = await docker(["buildx", "inspect", ...(name === undefined ? [] : [name])], signal);
  const driver = /^Driver:[ \t]*(\S+)/m.exec(about)?.[1];
  // A builder that does not answer is described, with the exit code 0.
  const [, error] = /^Error:[ \t]*(.+)$/m.exec(about) ?? [];
  if (error !== undefined) throw describeDockerTrouble(error, undefined) ?? unusable(error, undefined);
  const platform = /^Platforms:[ \t]*([a-z0-9/]+)/m.exec(about)?.[1];
  const isEngine = driver === "docker";
  const builder = { ...(name !== undefined && { name }), isEngine, ...(platform !== undefined && { platform }) };
  return { ...builder, cacheExport: !isEngine || (await hasContainerdStore(about, signal)) };
}

/**
 * Whether the engine keeps its images in containerd. Then its builder is BuildKit's worker for containerd, which says so in a
 * label that newer buildx shows (moby's builder/builder-next/controller.go); else the engine is asked.
 */
async function hasContainerdStore(about: string, signal: AbortSignal): Promise<boolean> {
  if (/^\s*org\.mobyproject\.buildkit\.worker\.snapshotter:/m.test(about)) return true;
  return (await docker(["info", "--format", "{{json .DriverStatus}}"], signal)).includes("io.containerd.snapshotter");
}

/**
 * Runs one `docker buildx bake`; its definition goes over standard input. A failed build is a result, not an error.
 * @throws ColdtivateError BUILDX_OUTDATED
 */
export async function bake(definition: BakeDefinition, options: BakeOptions): Promise<BakeResult> {
  const { execa, ExecaError } = await import("execa");
  const { directory, privateDirectory, output, env, builder, signal, onStatus } = options;
  const metadataFile = join(privateDirectory, "metadata.json");
  const needsSsh = Object.values(definition.target).some(({ ssh }) => Array.isArray(ssh) && ssh.length > 0);
  const args = ["buildx", "bake", "--progress", "rawjson", "-f", "-", "--metadata-file", metadataFile];
  // Where it goes to otherwise is said in the definition, with how to speak to the registry.
  if (output === "load") args.push("--load");
  if (builder.name !== undefined) args.push("--builder", builder.name);
  if (needsSsh && isAtLeast(await findVersion(signal), [0, 19])) args.push("--allow", "ssh");
  const child = execa("docker", args, {
    cwd: directory,
    // Contexts and secrets are the configuration's own: nobody has to allow them by path.
    env: { ...env, BUILDX_BAKE_ENTITLEMENTS_FS: "0" },
    input: JSON.stringify(definition),
    buffer: false,
    cancelSignal: signal,
    forceKillAfterDelay: 10_000,
  });
  const said: string[] = [];
  const read = readBuildStream();
  let hasStatus = false;
  const take = (line: string) => {
    const { status, text } = read(line);
    hasStatus ||= status !== undefined;
    if (status !== undefined) onStatus(status);
    if (text !== undefined && text.trim() !== "") said.push(text);
  };
  try {
    await Promise.all([child, takeLines(child.stderr, take)]);
    return { images: await readImages(metadataFile, builder) };
  } catch (cause) {
    if (!(cause instanceof ExecaError) || signal.aborted) throw cause;
    // Asked here alone, as the answer takes as long as half of what comes before a build.
    if (!hasStatus) await requireVersion(signal);
    return { exitCode: cause.exitCode, said: said.slice(-20), cause };
  }
}

/**
 * Takes names from images in the local engine, which keeps the images under their others.
 * @throws ColdtivateError DOCKER_UNREACHABLE, BUILDER_UNUSABLE
 */
export async function untagImages(names: readonly string[], signal: AbortSignal): Promise<void> {
  await docker(["image", "rm", "--no-prune", ...names], signal);
}

async function readImages(file: string, { cacheExport }: Builder): Promise<BakedImages> {
  const targets = Object.entries(metadata.parse(JSON.parse(await readFile(file, "utf8"))));
  return new Map(
    targets.flatMap(([target, value]) => {
      const { data } = withDigest.safeParse(value);
      if (data === undefined) return [];
      const { "containerimage.digest": digest, "containerimage.config.digest": configuration } = data;
      // An engine without the containerd image store, which cannot write caches either, keeps no manifest: what it gives is
      // the configuration's digest.
      const isManifest = cacheExport || digest !== configuration;
      return [[target, { ...(isManifest && { digest }), ...(configuration !== undefined && { configuration }) }]];
    }),
  );
}

async function docker(args: readonly string[], signal: AbortSignal): Promise<string> {
  const { execa, ExecaError } = await import("execa");
  try {
    return (await execa("docker", args, { stdin: "ignore", timeout: 60_000, cancelSignal: signal })).stdout;
  } catch (cause) {
    if (!(cause instanceof ExecaError) || signal.aborted) throw cause;
    throw describeDockerFailure(cause) ?? unusable(`${cause.stderr}`, cause);
  }
}

/** By pieces as they come: a build says a lot, on processors that it could use itself. */
async function takeLines(stream: AsyncIterable<Buffer>, take: (line: string) => void): Promise<void> {
  const decoder = new StringDecoder("utf8");
  let open = "";
  for await (const piece of stream) {
    const lines = (open + decoder.write(piece)).split("\n");
    open = lines.pop() ?? "";
    lines.forEach(take);
  }
  const last = open + decoder.end();
  if (last !== "") take(last);
}

/** @throws ColdtivateError BUILDX_OUTDATED */
async function requireVersion(signal: AbortSignal): Promise<void> {
  const version = await findVersion(signal);
  if (!isAtLeast(version, [0, 13])) throw outdated(version);
}

/** Of buildx, such as `0.13.1`. */
async function findVersion(signal: AbortSignal): Promise<string> {
  return /\bv?(\d+\.\d+\.\d+)/.exec(await docker(["buildx", "version"], signal))?.[1] ?? "0.0.0";
}

function isAtLeast(version: string, [major, minor]: readonly [major: number, minor: number]): boolean {
  const [a = 0, b = 0] = version.split(".").map(Number);
  return a > major || (a === major && b >= minor);
}

function outdated(version: string): ColdtivateError {
  return new ColdtivateError(`buildx ${version} is too old`, {
    code: "BUILDX_OUTDATED",
    exit: "usage",
    hint: "Install buildx 0.13 or newer, or put the docker that has it first on PATH.",
  });
}

function unusable(said: string, cause: unknown): ColdtivateError {
  return new ColdtivateError("the builder cannot be used", {
    code: "BUILDER_UNUSABLE",
    exit: "refused",
    details: said.trim().split("\n").slice(-3),
    hint: "Nothing was built. docker buildx ls shows the builders, docker buildx use NAME chooses one.",
    cause,
  });
}
