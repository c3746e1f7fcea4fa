import type { Repository } from "../adapters/git.ts";
import { normalise } from "../release/compose-files.ts";
import type { SourceTree } from "../release/sources.ts";

const executable = "100755";
const symlink = "120000";

/** Reads paths of a commit, files or whole folders; a path that the commit does not have is missing in the result. */
export async function readSources(repository: Repository, commit: string, paths: readonly string[]): Promise<Map<string, SourceTree>> {
  const found = new Map<string, SourceTree>();
  for (const path of paths) {
    const prefix = normalise(path);
    const listed = (await listFiles(repository, commit, prefix)).filter((file) => file.type === "blob");
    const files = await Promise.all(
      listed.map(async (file) => {
        const content = (await repository.readFile(commit, file.path)) ?? Buffer.alloc(0);
        return {
          path: file.path === prefix ? "" : file.path.slice(prefix === "" ? 0 : prefix.length + 1),
          executable: file.mode === executable,
          ...(file.mode === symlink ? { content: new Uint8Array(), link: content.toString() } : { content }),
        };
      }),
    );
    if (files.length > 0) found.set(path, { files });
  }
  return found;
}

/** Files under a path; what is beside the Compose files may be outside of the repository. */
async function listFiles(repository: Repository, commit: string, prefix: string): ReturnType<Repository["listFiles"]> {
  return prefix.startsWith("..") ? repository.listFiles(commit, prefix).catch(() => []) : repository.listFiles(commit, prefix);
}
