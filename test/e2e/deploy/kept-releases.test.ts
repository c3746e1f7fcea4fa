import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { edit, publish } from "../support/clones.ts";
import { onHost } from "../support/hosts.ts";
import { makeSmallProject, removeSmallProject } from "../support/projects/small-project.ts";
import { coldtivate } from "../support/run.ts";

const home = "/home/deploy/.coldtivate";

let clone: string;

/** Releases another image; its digest. */
async function release(sign: string): Promise<string> {
  await writeFile(join(clone, "web/sign.txt"), `${sign}\n`);
  await publish(clone, `feat: ${sign}`);
  const { exitCode, output } = await coldtivate(["deploy", "staging"], { cwd: clone });
  expect(exitCode, output).toBe(0);
  return onHost("staging", "docker inspect small-staging-web-1 --format '{{.Config.Image}}'");
}

/** Everything that an engine has and that is none of the project's. */
function others(): Promise<string> {
  return onHost(
    "staging",
    `docker ps -a --no-trunc --format '{{.ID}} {{.Label "com.docker.compose.project"}}' | grep -v ' small-staging$' | sort
     docker image ls -a --no-trunc --digests --format '{{.Repository}} {{.Tag}} {{.Digest}} {{.ID}}' | grep -v /test/small/web | sort
     docker volume ls -q | sort
     docker network ls --no-trunc --format '{{.ID}} {{.Name}}' | sort
     find ${home} -path ${home}/small-staging -prune -o -type f -print | grep -v /incoming. | sort | xargs -r sha256sum`,
  );
}

// Not as docker image ls has them: with containerd's store that is one name of each.
const listed =
  "docker image ls -aq --no-trunc | sort -u | xargs docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}'";

const images = async () => (await onHost("staging", `${listed} | grep /test/small/web | sort -u || true`)).split("\n").toSorted();

beforeAll(async () => {
  clone = await makeSmallProject();
  await edit(clone, "coldtivate.yml", (text) => `${text}keep_releases: 2\n`);
});
afterAll(async () => {
  await onHost(
    "staging",
    `docker rm -f bystander >&2; docker volume rm bystander >&2; docker image rm bystander:unused >&2; rm -rf ${home}/small-review`,
  );
  await removeSmallProject();
});

test("as many releases are kept as are to be, with their images; what is anybody else's stays", async () => {
  const before = await images();
  const first = await release("first");
  const second = await release("second");
  // Somebody else's: a container that is stopped, a volume and an image that nothing uses, and a release of another
  // environment that could go back to the second image.
  await onHost(
    "staging",
    `docker volume create bystander >&2
     docker create --name bystander ${first} true >&2
     docker tag ${second} bystander:unused
     mkdir -p ${home}/small-review/releases/r1 && echo '${second}' >${home}/small-review/releases/r1/images`,
  );
  const untouched = await others();
  const third = await release("third");
  const fourth = await release("fourth");
  const fifth = await release("fifth");
  expect(await others()).toBe(untouched);
  const kept = (await images()).filter((image) => !before.includes(image));
  expect(kept).toEqual([first, second, fourth, fifth].toSorted());
  expect(kept).not.toContain(third);
  expect((await onHost("staging", `ls ${home}/small-staging/releases`)).split("\n")).toHaveLength(2);

  // Going back and forth pushes nothing out.
  for (const serving of [fourth, fifth, fourth]) {
    const { exitCode, output } = await coldtivate(["rollback", "staging"], { cwd: clone });
    expect(exitCode, output).toBe(0);
    expect(await onHost("staging", "docker inspect small-staging-web-1 --format '{{.Config.Image}}'")).toBe(serving);
  }
  expect((await images()).filter((image) => !before.includes(image))).toEqual(kept);
});
