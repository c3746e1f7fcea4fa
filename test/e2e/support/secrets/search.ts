import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { inject } from "vitest";
import { top } from "../repository.ts";
import { run } from "../run.ts";

/** Secrets by what they are called. */
export type Secrets = Readonly<Record<string, string>>;

/** The names of the secrets that a text shows, as they are or in base64 or hexadecimal digits. */
export function shownIn(text: string, secrets: Secrets): string[] {
  return Object.entries(secrets).flatMap(([name, value]) => (formsOf(value).some((form) => text.includes(form)) ? [name] : []));
}

function formsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  const withinBase64 = [0, 1, 2].map((offset) => bytes.subarray(offset, bytes.length - ((bytes.length - offset) % 3)).toString("base64"));
  return [value, bytes.toString("hex"), (bytes.toString("hex").match(/../g) ?? []).join(" "), ...withinBase64];
}

const hostPlaces = ["/home", "/root", "/tmp", "/run", "/dev/shm", "/var", "/etc/docker", "/opt", "/srv"];
const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

/** The files on the staging host that hold a secret, as root finds them or as anybody does; containers' file systems left out. */
export async function searchHost(secrets: Secrets, as: "root" | "anybody"): Promise<string[]> {
  const grep = [...(as === "root" ? [] : nobody), "grep", "-rlsF", "--exclude-dir=overlay2", "-f", "-", ...hostPlaces];
  // The secrets go over standard input: nobody's argument list may have them.
  return search("bash", ["scripts/sandbox.sh", "exec", "--net", inject("net"), "staging", ...grep], secrets);
}

/** The files here that hold a secret. */
export function searchHere(secrets: Secrets, folders: readonly string[]): Promise<string[]> {
  return search("grep", ["-rlsF", "-f", "-", ...folders], secrets);
}

async function search(program: string, args: readonly string[], secrets: Secrets): Promise<string[]> {
  const { stdout } = await run(program, args, { cwd: top, input: Object.values(secrets).join("\n"), stdin: "pipe" });
  return stdout.split("\n").filter((line) => line !== "");
}

/**
 * Looks through what the registry was sent: layers, manifests, configurations, caches.
 * @param since milliseconds since the epoch
 */
export async function searchRegistry(secrets: Secrets, since: number): Promise<{ looked: number; found: string[] }> {
  const folder = join(top, ".sandbox", inject("net").split("/")[0]!, "gateway/storage/docker/registry/v2/blobs/sha256");
  const paths = (await readdir(folder, { recursive: true })).filter((path) => path.endsWith("/data"));
  let looked = 0;
  const found: string[] = [];
  for (const path of paths) {
    if ((await stat(join(folder, path))).mtimeMs < since) continue;
    const content = await readFile(join(folder, path));
    const isPacked = content[0] === 0x1f && content[1] === 0x8b;
    looked++;
    found.push(...shownIn((isPacked ? gunzipSync(content) : content).toString("latin1"), secrets).map((name) => `${path}: ${name}`));
  }
  return { looked, found };
}
