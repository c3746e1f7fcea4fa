import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import * as z from "zod";
import { childEnvironment } from "../../secrets/child-environment.ts";
import type { BakeDefinition } from "../../images/bake-definition.ts";
import type { BuildStatus } from "../../images/build-status.ts";
import { markHandled } from "../../common/mark-handled.ts";
import { readBuildStream } from "./buildkit-stream.ts";
import { mayAllowSsh, requireBuildx, type Builder } from "./buildkit.ts";
import { configuredHelpers } from "../registry/registry-credentials.ts";

export interface BakeStart {
  /** The folder that contexts are relative to. */
  directory: string;
  /** An existing folder for files that others must not read. */
  privateDirectory: string;
  output: "load" | "push";
  env: Record<string, string>;
  /** A buildx builder; the selected one by default. */
  builder?: string | undefined;
  /** Whether build steps may use the ssh-agent. */
  ssh: boolean;
  /** Whether the images get provenance, which names their repository and commit. */
  provenance: boolean;
  signal: AbortSignal;
}

export interface BakeWork {
  builder: Pick<Builder, "cacheExport">;
  signal: AbortSignal;
  onStatus: (status: BuildStatus) => void;
}

/** The images that a bake built, by target. The manifest's digest is missing if the engine keeps no manifest. */
export type BakedImages = Map<string, { digest?: string; configuration?: string }>;

/** The result of a bake: the images, or the end of buildx's output. */
export type BakeResult = { images: BakedImages } | { images?: never; exitCode: number | undefined; said: string[]; cause: unknown };

const metadata = z.record(z.string(), z.unknown());
const withDigest = z.object({ "containerimage.digest": z.string(), "containerimage.config.digest": z.string().optional() });

/** A `docker buildx bake` process that waits for its definition. Disposing of it before that ends it. */
export interface StartedBake extends AsyncDisposable {
  /**
   * Gives it a definition to build, once. A failed build is a result, not an error.
   * @throws ColdtivateError BUILDX_OUTDATED
   */
  make(definition: BakeDefinition, work: BakeWork): Promise<BakeResult>;
}

/** Starts a bake. It takes a while to be ready, and reads its definition from standard input. */
export async function startBake(start: BakeStart): Promise<StartedBake> {
  const { directory, privateDirectory, output, env, builder, ssh, provenance, signal } = start;
  const { execa, ExecaError } = await import("execa");
  const metadataFile = join(privateDirectory, "metadata.json");
  const args = ["buildx", "bake", "--progress", "rawjson", "-f", "-", "--metadata-file", metadataFile];
  // Any other output is described in the definition, with how to talk to the registry.
  if (output === "load") args.push("--load");
  if (builder !== undefined) args.push("--builder", builder);
  if (ssh && (await mayAllowSsh(signal))) args.push("--allow", "ssh");
  const ending = new AbortController();
  const child = execa("docker", args, {
    cwd: directory,
    env: childEnvironment("docker", { ...env, ...environmentOf(provenance) }, await configuredHelpers()),
    extendEnv: false,
    stdin: "pipe",
    stdout: "ignore",
    buffer: false,
    cancelSignal: AbortSignal.any([signal, ending.signal]),
    forceKillAfterDelay: 10_000,
  });
  const ended = markHandled(child);
  // Output that arrives before the definition is known is kept: it may explain a failure.
  const early: string[] = [];
  let takeLine = (line: string): void => void early.push(line);
  const reading = markHandled(takeLines(child.stderr, (line) => takeLine(line)));
  // The process itself reports why it stopped reading.
  child.stdin.on("error", () => {});

  const read = async (work: BakeWork): Promise<BakeResult> => {
    const said: string[] = [];
    const readLine = readBuildStream();
    let hasStatus = false;
    const take = (line: string) => {
      const { status, text } = readLine(line);
      hasStatus ||= status !== undefined;
      if (status !== undefined) work.onStatus(status);
      if (text !== undefined && text.trim() !== "") said.push(text);
    };
    early.splice(0).forEach(take);
    takeLine = take;
    try {
      await Promise.all([ended, reading]);
      return { images: await readImages(metadataFile, work.builder) };
    } catch (cause) {
      if (!(cause instanceof ExecaError) || work.signal.aborted) throw cause;
      // Checked only here: the check takes half as long as everything that comes before a build.
      if (!hasStatus) await requireBuildx(work.signal);
      return { exitCode: cause.exitCode, said: said.slice(-20), cause };
    }
  };

  return {
    async make(definition, work) {
      const stop = () => ending.abort(work.signal.reason);
      work.signal.throwIfAborted();
      work.signal.addEventListener("abort", stop);
      try {
        child.stdin.end(JSON.stringify(definition));
        return await read(work);
      } finally {
        work.signal.removeEventListener("abort", stop);
      }
    },
    async [Symbol.asyncDispose]() {
      ending.abort();
      child.stdin.end();
      await ended.catch(() => {});
    },
  };
}

function environmentOf(provenance: boolean): Record<string, string> {
  // Contexts and secrets come from the configuration, so nobody has to allow them by path.
  const entitled = { BUILDX_BAKE_ENTITLEMENTS_FS: "0" };
  // For provenance, buildx asks Git before it builds, with up to eight processes per target, one after the other. It does so even
  // if no provenance is wanted (buildx's build/git.go).
  const { BUILDX_GIT_INFO: wish } = process.env;
  if (provenance || wish !== undefined) return entitled;
  return { ...entitled, BUILDX_GIT_INFO: "false" };
}

async function readImages(file: string, { cacheExport }: Pick<Builder, "cacheExport">): Promise<BakedImages> {
  const targets = Object.entries(metadata.parse(JSON.parse(await readFile(file, "utf8"))));
  return new Map(
    targets.flatMap(([target, value]) => {
      const { data } = withDigest.safeParse(value);
      if (data === undefined) return [];
      const { "containerimage.digest": digest, "containerimage.config.digest": configuration } = data;
      // An engine without the containerd image store keeps no manifest, and cannot write caches either. It reports the
      // configuration's digest instead.
      const isManifest = cacheExport || digest !== configuration;
      return [[target, { ...(isManifest && { digest }), ...(configuration !== undefined && { configuration }) }]];
    }),
  );
}

/** Takes pieces as they arrive: a build prints a lot, and needs the processors itself. */
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
