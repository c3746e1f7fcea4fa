import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createProject, minimal } from "./project.ts";

let elsewhere: string;

beforeEach(async () => {
  elsewhere = await realpath(await mkdtemp(join(tmpdir(), "coldtivate-elsewhere-")));
  await writeFile(join(elsewhere, "Dockerfile"), "FROM scratch\n");
});

afterEach(() => rm(elsewhere, { recursive: true, force: true }));

const web = (settings: string) => minimal.replace("{ context: ./Web }", `{ ${settings} }`);

test("a context that is a link out of the repository is refused, one that leads elsewhere in it is not", async () => {
  await using project = await createProject(web("context: ./Link"));
  await symlink(elsewhere, join(project.directory, "Link"));
  const told = [`coldtivate.yml:4:19  images.web.context: ./Link leads out of the repository, to ${elsewhere}`];
  expect(await project.problems()).toEqual(told);
  await rm(join(project.directory, "Link"));
  await symlink("Web", join(project.directory, "Link"));
  expect((await project.load()).images["web"]?.context).toBe("Link");
});

test("a link on the way to it counts, and so does the Dockerfile", async () => {
  await using project = await createProject(web("context: ./Up/inner, dockerfile: ../Dockerfile"));
  await mkdir(join(elsewhere, "inner"));
  await symlink(elsewhere, join(project.directory, "Up"));
  expect(await project.problems()).toEqual([expect.stringContaining(`leads out of the repository, to ${elsewhere}/inner`)]);
  await symlink(join(elsewhere, "Dockerfile"), join(project.directory, "Web/Linked"));
  await project.write("coldtivate.yml", web("context: Web, dockerfile: Linked"));
  expect(await project.problems()).toEqual([expect.stringContaining(`Web/Linked leads out of the repository, to ${elsewhere}/Dockerfile`)]);
  await project.write("coldtivate.yml", web(`context: Web, dockerfile: ${elsewhere}/Dockerfile`));
  expect(await project.problems()).toEqual([expect.stringContaining("is an absolute path: write it relative to the context")]);
});

test.each([
  ["/etc", "/etc is an absolute path"],
  ["../../../../../../etc", "leads out of the repository, to /etc"],
  ["./Link", "leads out of the repository"],
  ["./Link/not-there-yet", "leads out of the repository"],
  ["oci-layout:///etc", "/etc is an absolute path"],
  ["oci-layout://Link@sha256:0", "leads out of the repository"],
  ["cwd://../../etc", "expected a folder, or an address"],
  ["x:/../../etc", "expected a folder, or an address"],
  ["file:///etc", "expected a folder, or an address"],
  ["oci-layout://Link:latest", "leads out of the repository"],
  ["oci-layout://Link:latest@sha256:0", "leads out of the repository"],
  ["Link/../beside", "leads out of the repository"],
  ["Web@/../../../etc", "leads out of the repository"],
  ["DOCKER-IMAGE://../../../etc", "expected a folder, or an address"],
  ["HTTPS://example.com/a.git", "expected a folder, or an address"],
  ["git://../../../etc", "rename the folder"],
  ["git://up/etc", "rename the folder"],
  ["https://../../../etc", "rename the folder"],
  ["target:/../../../../../etc", "rename the folder"],
  ["git@up/etc", "leads out of the repository"],
  ["git@here/../../../etc", "leads out of the repository"],
  ["github.com/../../../../../etc", "rename the folder"],
])("the additional context %s is refused", async (value, told) => {
  await using project = await createProject(web(`context: Web, contexts: { more: "${value}" }`));
  await mkdir(join(elsewhere, "beside"), { recursive: true });
  await mkdir(join(elsewhere, "deep"));
  await symlink(join(elsewhere, "deep"), join(project.directory, "Link"));
  // A commit may have any of these.
  for (const folder of ["Web@", "DOCKER-IMAGE:", "HTTPS:", "git:", "https:", "target:", "git@here", "github.com"])
    await mkdir(join(project.directory, folder));
  await symlink("/", join(project.directory, "git:", "up"));
  await symlink("/", join(project.directory, "git@up"));
  expect(await project.problems()).toEqual([expect.stringContaining(`images.web.contexts.more: `)]);
  expect((await project.problems()).join("\n")).toContain(told);
});

test.each(["Worker", "../shared", "docker-image://alpine:3", "target:base", "https://example.com/a.git#main", "git@example.com:a/b.git"])(
  "the additional context %s is taken, where the repository has it",
  async (value) => {
    await using project = await createProject("");
    await mkdir(join(project.directory, ".git"));
    await project.write("shop/Web/Dockerfile", "FROM scratch\n");
    await project.write("shop/compose.yaml", "services: { web: { image: x } }\n");
    await project.write("shop/coldtivate.yml", web(`context: Web, contexts: { more: "${value}" }`));
    expect((await project.load({ cwd: join(project.directory, "shop") })).images["web"]?.contexts).toEqual({ more: value });
  },
);
