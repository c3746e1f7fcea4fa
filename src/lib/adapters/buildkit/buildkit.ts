import { childEnvironment } from "../../secrets/child-environment.ts";
import { ColdtivateError } from "../../errors.ts";
import { describeDockerFailure, describeDockerTrouble } from "../docker/docker-failure.ts";

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
 * Takes names from images in the local engine, which keeps the images under their others.
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
 * Sees that buildx is not too old.
 * @throws ColdtivateError BUILDX_OUTDATED
 */
export async function requireBuildx(signal: AbortSignal): Promise<void> {
  const version = await findVersion(signal);
  if (!isAtLeast(version, [0, 13])) throw outdated(version);
}

/** Whether buildx takes `--allow ssh`, without which newer ones forward no agent. */
export async function mayAllowSsh(signal: AbortSignal): Promise<boolean> {
  return isAtLeast(await findVersion(signal), [0, 19]);
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
    hint: "docker buildx ls shows the builders, docker buildx use NAME chooses one.",
    cause,
  });
}
