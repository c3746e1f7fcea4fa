import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as samples from "./samples.ts";

/** A repository with a project in it, for one kind of input after the other. */
export interface ProjectFixture extends Disposable {
  directory: string;
  env: Record<string, string>;
  /** A well-formed one. */
  privateKey: string;
  write: (path: string, content: string | Uint8Array) => void;
  /** A commit with these files, at paths of any bytes; nothing is checked out. */
  commit: (files: readonly (readonly [path: Buffer, content: Uint8Array])[]) => string;
  /** Writes the project as it is when all is well. */
  reset: () => void;
  /** Every file of the project with a digest of what it holds. */
  snapshot: () => string;
}

const project = {
  "coldtivate.yml": samples.configuration,
  "compose.yaml": samples.compose,
  "part/compose.yaml": "services: { part: { image: x } }\n",
  "other.yaml": "services: { other: { image: x } }\n",
  "base.yaml": "services: { web: { image: x } }\n",
  "web.env": samples.envFile,
  labels: "a=b\n",
  dotenv: samples.dotenv,
  ".env": "",
  after: "#!/bin/sh\n",
  "Web/Dockerfile": samples.dockerfile,
  "Worker/Dockerfile": samples.dockerfile,
};

/** Without what Git keeps for itself. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === ".git" ? [] : filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

function digestOf(file: string): string {
  return createHash("sha1").update(readFileSync(file)).digest("hex");
}

export function createProjectFixture(): ProjectFixture {
  const directory = mkdtempSync(join(tmpdir(), "coldtivate-malformed-"));
  const identity = {
    GIT_AUTHOR_NAME: "T",
    GIT_AUTHOR_EMAIL: "t@example.com",
    GIT_COMMITTER_NAME: "T",
    GIT_COMMITTER_EMAIL: "t@example.com",
  };
  const env = { ...process.env, ...identity, GIT_CONFIG_GLOBAL: "/dev/null" };
  const git = (args: string[], input?: Uint8Array) =>
    execFileSync("git", args, { cwd: directory, env, input: input ?? "", stdio: ["pipe", "pipe", "pipe"] })
      .toString()
      .trim();
  const write = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content, path === "after" ? { mode: 0o755 } : {});
  };
  const reset = () => {
    for (const [path, content] of Object.entries(project)) write(path, content);
  };
  reset();
  git(["init", "--quiet", "--initial-branch=main"]);
  git(["add", "--all"]);
  git(["commit", "--quiet", "--message", "begin"]);
  git(["tag", "v1.2.0"]);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", join(directory, ".git/key")]);
  return {
    directory,
    env: { TOKEN: "t0ken-of-the-test", CI_REGISTRY_IMAGE: "registry.example.com/shop", PATH: process.env["PATH"] ?? "" },
    privateKey: readFileSync(join(directory, ".git/key"), "utf8"),
    write,
    reset,
    commit(files) {
      const lines = files.flatMap(([path, content]) => {
        const quoted = [...path].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
        return [Buffer.from(`M 100644 inline "${quoted}"\ndata ${content.length}\n`), content, Buffer.from("\n")];
      });
      const head = "commit refs/heads/odd\ncommitter T <t@example.com> 0 +0000\ndata 0\n\ndeleteall\n";
      git(["fast-import", "--quiet", "--force"], Buffer.concat([Buffer.from(head), ...lines]));
      return git(["rev-parse", "refs/heads/odd"]);
    },
    snapshot: () =>
      filesBelow(directory)
        .map((path) => `${path}\n${digestOf(path)}`)
        .toSorted()
        .join("\n"),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}
