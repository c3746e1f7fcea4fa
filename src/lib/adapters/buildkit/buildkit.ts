import { childEnvironment } from "../../secrets/child-environment.ts";
import { ColdtivateError } from "../../errors.ts";
import { describeDockerFailure, describeDockerTrouble } from "../docker/docker-failure.ts";

/** The builder that is selected in the user's Docker. */
export interface Builder {
  /** Its name, if it is not the selected one. */
  name?: string;
  /** Whether it is the Docker engine itself: then its registries and images are the engine's. */
  isEngine: boolean;
  /** Whether it can store a layer cache in a registry, and create an index (for several platforms, or with attestations). */
  cacheExport: boolean;
  /** Its default platform, such as `linux/amd64`, if it reports one. */
  platform?: string;
}

/**
 * Inspects the builder before it is used.
 * @param name a buildx builder; the selected one by default
 * @throws ColdtivateError DOCKER_MISSING, BUILDX_MISSING, DOCKER_UNREACHABLE, BUILDER_UNUSABLE
 */
export async function inspectBuilder(signal: AbortSignal, name?: string): Promise<Builder> {
  const about = await docker(["buildx", "inspect", ...(name === undefined ? [] : [name])], signal);
  const driver = /^Driver:[ \t]*(\S+)/m.exec(about)?.[1];
  // A builder that does not answer is still described, with exit code 0.
  const [, error] = /^Error:[ \t]*(.+)$/m.exec(about) ?? [];
  if (error !== undefined) throw describeDockerTrouble(error, undefined) ?? unusable(error, undefined);
  const platform = /^Platforms:[ \t]*([a-z0-9/]+)/m.exec(about)?.[1];
  const isEngine = driver === "docker";
  const builder = { ...(name !== undefined && { name }), isEngine, ...(platform !== undefined && { platform }) };
  return { ...builder, cacheExport: !isEngine || (await hasContainerdStore(about, signal)) };
}

/**
 * Whether the engine keeps its images in containerd. If so, its builder is BuildKit's containerd worker, and newer buildx shows a
 * label of that worker (moby's builder/builder-next/controller.go). Otherwise the engine is asked.
 */
async function hasContainerdStore(about: string, signal: AbortSignal): Promise<boolean> {
  if (/^\s*org\.mobyproject\.buildkit\.worker\.snapshotter:/m.test(about)) return true;
  return (await docker(["info", "--format", "{{json .DriverStatus}}"], signal)).includes("io.containerd.snapshotter");
}

/**
 * Removes names from images in the local engine. The images remain under their other names.
 * @throws ColdtivateError DOCKER_UNREACHABLE, BUILDER_UNUSABLE
 */
export async function untagImages(names: readonly string[], signal: AbortSignal): Promise<void> {
  await docker(["image", "rm", "--no-prune", ...names], signal);
}

async function docker(args: readonly string[], signal: AbortSignal): Promise<string> {
  const { execa, ExecaError } = await import("execa");
  try {
    return (
      await execa("docker", args, {
        env: childEnvironment("docker"),
        extendEnv: false,
        stdin: "ignore",
        timeout: 60_000,
        cancelSignal: signal,
      })
    ).stdout;
  } catch (cause) {
    if (!(cause instanceof ExecaError) || signal.aborted) throw cause;
    throw describeDockerFailure(cause) ?? unusable(`${cause.stderr}`, cause);
  }
}

/**
 * Checks that buildx is not too old.
 * @throws ColdtivateError BUILDX_OUTDATED
 */
export async function requireBuildx(signal: AbortSignal): Promise<void> {
  const version = await findVersion(signal);
  if (!isAtLeast(version, [0, 13])) throw outdated(version);
}

/** Whether buildx accepts `--allow ssh`. Newer versions do not forward the agent without it. */
export async function mayAllowSsh(signal: AbortSignal): Promise<boolean> {
  return isAtLeast(await findVersion(signal), [0, 19]);
}

/** The version of buildx, such as `0.13.1`. */
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
    hint: "docker buildx ls shows the builders, docker buildx use NAME chooses one.",
    cause,
  });
}
