import { createHash } from "node:crypto";
import { mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeFolder } from "../support/clones.ts";
import { onHost } from "../support/hosts.ts";
import { makeProject, type Project } from "../support/projects/compose-project.ts";
import { must } from "../support/run.ts";

const dockerfile = 'ARG BASE\nFROM ${BASE}\nRUN useradd --uid 1000 app\nCMD ["sleep", "infinity"]\n';

const compose = `include: [svc/api/compose.yaml]
x-app: &app { stop_grace_period: 1s, init: true }
services:
  web:
    <<: *app
    build: ./app
    env_file: .env
    environment: { WHERE: "\${GREETING}", LC_ALL: , SSH_CONNECTION: , USER: }
    mem_limit: 512m
    memswap_limit: -1
    volumes:
      - "\${PWD}/conf/app.conf:/etc/app.conf:ro"
      - ./links:/links:ro
      - ./current:/current:ro
      - ./current/one:/one:ro
      - ./vendor/lib/part:/part:ro
      - ./models/crop.bin:/crop.bin:ro
    secrets:
      - token
      - { source: token, target: owned, uid: "103", gid: "104", mode: 0400 }
    configs: [{ source: text, target: /etc/text.conf }]
  debug: { image: busybox, profiles: [debug], env_file: .env.debug, volumes: ["./debug.conf:/debug.conf"] }
secrets: { token: { environment: TOKEN } }
configs: { text: { content: "cost: $$5 \${GREETING}\\n" } }
`;

const api = `services:
  api:
    image: "\${CI_REGISTRY_IMAGE}/app:\${CI_COMMIT_REF_SLUG:-latest}"
    stop_grace_period: 1s
    init: true
    environment: { NAME: "\${NAME:-default}" }
    volumes: ["./own.conf:/own.conf:ro"]
`;

/** A shell command's output in the one container of a service. */
function within({ project }: Project, service: string, command: string): Promise<string> {
  const filters = [`project=${project}`, `service=${service}`].map((filter) => `--filter label=com.docker.compose.${filter}`);
  return onHost("staging", `docker exec $(docker ps -q ${filters.join(" ")}) sh -c '${command}'`);
}

/** What Git LFS has for a file: its content, the pointer that a commit has instead, and where a clone keeps the content. */
function inLfs(content: string): { content: string; pointer: string; object: string } {
  const id = createHash("sha256").update(content).digest("hex");
  return {
    content,
    pointer: `version https://git-lfs.github.com/spec/v1\noid sha256:${id}\nsize ${content.length}\n`,
    object: `.git/lfs/objects/${id.slice(0, 2)}/${id.slice(2, 4)}/${id}`,
  };
}

const written = 'stat -c "%n %a %u:%g" /run/secrets/* /etc/text.conf; cat /run/secrets/* /etc/text.conf';

describe("what containers see of a commit", () => {
  let project: Project;
  const large = inLfs("large\n");

  beforeAll(async () => {
    project = await makeProject({
      name: "paths",
      files: { "app/Dockerfile": dockerfile },
      images: { app: "./app" },
      dotenv: "GREETING=p$$ss\nTOKEN='it is $$5'\n",
    });
    const { clone } = project;
    const library = join(await makeFolder(), "lib");
    await mkdir(join(library, "part"), { recursive: true });
    await writeFile(join(library, "part/file"), "pinned\n");
    const git = (folder: string, ...args: string[]) =>
      must("git", ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "protocol.file.allow=always", ...args], { cwd: folder });
    await git(library, "init", "--quiet");
    await git(library, "add", "--all");
    await git(library, "commit", "--quiet", "--message", "first");
    await git(clone, "submodule", "--quiet", "add", library, "vendor/lib");
    const link = async (path: string, target: string) => {
      await mkdir(dirname(join(clone, path)), { recursive: true });
      await symlink(target, join(clone, path));
    };
    await link("links/near", "file");
    await link("links/far", "/etc/hostname");
    await link("current", "releases/second");
    await mkdir(dirname(join(clone, large.object)), { recursive: true });
    await writeFile(join(clone, large.object), large.content);
    await project.change({
      ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
      "models/crop.bin": large.pointer,
      "compose.yaml": compose,
      "svc/api/compose.yaml": api,
      "svc/api/.env": "NAME=from its own .env\n",
      "svc/api/own.conf": "own\n",
      ".gitignore": "/.env\n",
      "conf/app.conf": "of the commit\n",
      "links/file": "linked\n",
      "releases/second/one": "second\n",
    });
    await project.deploy();
  });

  afterAll(() => project.remove());

  test("is what a checkout would show: links, submodules, Git LFS, ${PWD}, the image that is built there", async () => {
    const shown = await within(
      project,
      "web",
      "cat /etc/app.conf /links/near /current/one /one /part/file /crop.bin; readlink /links/far; echo $WHERE",
    );
    const files = ["of the commit", "linked", "second", "second", "pinned", "large"];
    expect(shown.trim().split("\n")).toEqual([...files, "/etc/hostname", "p$ss"]);
  });

  test("a variable that is only named has no value of the host's; what a profile hides may be missing", async () => {
    expect(await within(project, "web", 'env | grep -cE "^(LC_ALL|SSH_CONNECTION|USER)=" || true')).toBe("0");
  });

  test("an included file has its own .env and its own folder", async () => {
    expect(await within(project, "api", "echo $NAME; cat /own.conf")).toBe("from its own .env\nown");
  });

  test("secrets and configs that are no files have the owner and the mode that plain Compose gives them", async () => {
    expect((await within(project, "web", written)).trim().split("\n")).toEqual([
      "/run/secrets/owned 400 103:104",
      "/run/secrets/token 444 0:0",
      "/etc/text.conf 444 0:0",
      "it is $5it is $5cost: $5 p$ss",
    ]);
  });

  test("the same once more changes nothing; a variable that is not set, a link that leads nowhere, or content that Git LFS has elsewhere is refused", async () => {
    expect((await project.deploy("--dry-run")).output).toContain("nothing");
    await symlink("none", join(project.clone, "dangling"));
    const files = { "compose.yaml": compose.replace("TOKEN }", "NOT_THERE }").replace("./current:", "./dangling:") };
    await project.change(files);
    const object = join(project.clone, large.object);
    await rename(object, `${object}.away`);
    const refused = await project.run("deploy", "staging", "--json");
    await rename(`${object}.away`, object);
    expect(refused.exitCode).toBe(3);
    expect(refused.output).toContain("dangling is a link to none, which the commit does not have");
    expect(refused.output).toContain("models/crop.bin is in Git LFS, and its content is not here: git lfs pull --include");
    await project.change({ "compose.yaml": compose.replace("TOKEN }", "NOT_THERE }") });
    const unset = await project.run("deploy", "staging", "--json");
    expect(unset).toMatchObject({ exitCode: 2 });
    expect(unset.output).toContain("secrets.token, for web: the variable NOT_THERE is not set");
  });
});

test("a container that takes a plain one's place has the secrets and configs that Compose gave that one", async () => {
  const project = await makeProject({
    name: "taking",
    files: {
      "app/Dockerfile": dockerfile,
      "compose.yaml": `services:
  web:
    image: "\${CI_REGISTRY_IMAGE}/app:\${CI_COMMIT_REF_SLUG:-latest}"
    stop_grace_period: 1s
    init: true
    secrets: [token, { source: token, target: owned, uid: "103", gid: "104", mode: 0400 }]
    configs: [{ source: text, target: /etc/text.conf }]
secrets: { token: { environment: TOKEN } }
configs: { text: { content: "cost: $$5\\n" } }
`,
    },
    images: { app: "./app" },
    dotenv: "TOKEN=secret\nGREETING=good morning\nPATTERN=back\\\\slash\n",
  });
  try {
    await project.plain("up", "-d");
    const before = await within(project, "web", written);
    const { output } = await project.deploy();
    expect(output).toContain("A shell that read it (`source`) gave these another value: GREETING, PATTERN");
    expect(output).not.toMatch(/morning|slash/);
    expect(await within(project, "web", written)).toBe(before);
    expect((await project.deploy("--dry-run")).output).not.toContain("gave these another value");
  } finally {
    await project.remove();
  }
});
