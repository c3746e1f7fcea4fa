import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execaSync } from "execa";

const identity = {
  GIT_AUTHOR_NAME: "Tester",
  GIT_AUTHOR_EMAIL: "tester@example.com",
  GIT_COMMITTER_NAME: "Tester",
  GIT_COMMITTER_EMAIL: "tester@example.com",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_ALLOW_PROTOCOL: "file",
};

/** A real repository in a temporary folder, to be disposed of. */
export function createRepository() {
  const directory = mkdtempSync(join(tmpdir(), "coldtivate-git-"));
  const git = (...args: string[]) => execaSync("git", args, { cwd: directory, env: identity }).stdout;
  const write = (path: string, content: string) => {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  };
  git("init", "--quiet", "--initial-branch=main");
  return {
    directory,
    git,
    write,
    /** Writes the files, commits them and gives the commit. */
    commit(files: Record<string, string>, message = "change"): string {
      for (const [path, content] of Object.entries(files)) write(path, content);
      git("add", "--all");
      git("commit", "--quiet", "--allow-empty", "--message", message);
      return git("rev-parse", "HEAD");
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** A clone of a folder's repository, over file:// so that `--depth` counts. */
export function cloneRepository(from: string, ...args: string[]) {
  const directory = mkdtempSync(join(tmpdir(), "coldtivate-clone-"));
  execaSync("git", ["clone", "--quiet", ...args, `file://${from}`, directory], { env: identity });
  const git = (...words: string[]) => execaSync("git", words, { cwd: directory, env: identity }).stdout;
  return { directory, git, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}
