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
  /** A builder of buildx; the chosen one unless said otherwise. */
  builder?: string | undefined;
  /** Whether steps may use the agent. */
  ssh: boolean;
  /** Whether the images get provenance, which says what repository and commit they are from. */
  provenance: boolean;
  signal: AbortSignal;
}

export interface BakeWork {
  builder: Pick<Builder, "cacheExport">;
  signal: AbortSignal;
  onStatus: (status: BuildStatus) => void;
}

/** What a bake made, by target; the digest of a manifest is missing where the engine keeps none. */
export type BakedImages = Map<string, { digest?: string; configuration?: string }>;

/** How a bake ended: what it made, or what buildx said in the end. */
export type BakeResult = { images: BakedImages } | { images?: never; exitCode: number | undefined; said: string[]; cause: unknown };

const metadata = z.record(z.string(), z.unknown());
const withDigest = z.object({ "containerimage.digest": z.string(), "containerimage.config.digest": z.string().optional() });

/** A `docker buildx bake` that waits for what it is to make; whoever disposes of it before that ends it. */
export interface StartedBake extends AsyncDisposable {
  /**
   * Has it make something, once. A failed build is a result, not an error.
   * @throws ColdtivateError BUILDX_OUTDATED
   */
  make(definition: BakeDefinition, work: BakeWork): Promise<BakeResult>;
}

/** Starts one: it takes a while to be ready, and gets its definition over standard input. */
export async function startBake(start: BakeStart): Promise<StartedBake> {
  const { directory, privateDirectory, output, env, builder, ssh, provenance, signal } = start;
  const { execa, ExecaError } = await import("execa");
  const metadataFile = join(privateDirectory, "metadata.json");
  const args = ["buildx", "bake", "--progress", "rawjson", "-f", "-", "--metadata-file", metadataFile];
  // Where it goes to otherwise is said in the definition, with how to speak to the registry.
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
  // What it says before it is known what it makes is kept: why it cannot, perhaps.
  const early: string[] = [];
  let takeLine = (line: string): void => void early.push(line);
  const reading = markHandled(takeLines(child.stderr, (line) => takeLine(line)));
  // It says itself why it no longer listens.
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
      // Asked here alone, as the answer takes as long as half of what comes before a build.
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
  // Contexts and secrets are the configuration's own: nobody has to allow them by path.
  const entitled = { BUILDX_BAKE_ENTITLEMENTS_FS: "0" };
  // For provenance buildx asks Git before it builds, with up to eight processes a target, one after the other, and also where none
  // is wanted (buildx's build/git.go).
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
      // An engine without the containerd image store, which cannot write caches either, keeps no manifest: what it gives is
      // the configuration's digest.
      const isManifest = cacheExport || digest !== configuration;
      return [[target, { ...(isManifest && { digest }), ...(configuration !== undefined && { configuration }) }]];
    }),
  );
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
