import { execa } from "execa";
import { expect, test } from "vitest";
import { fakeDocker } from "../adapters/fake-docker.ts";

const parts = new URL("../../../scripts/environment-deployment-management", import.meta.url).pathname;

/** Whether an answer of the engine is taken. Arguments: the release that serves, exit code, all containers, the project's own */
async function take(...answer: string[]) {
  const command = `set -Eeuo pipefail; shopt -s inherit_errexit; project=shop-staging; fail() { printf '%s\\n' "\${@:2}" >&2; return "$1"; }
    source ${parts}/prefetch.sh; source ${parts}/verbs.sh; refuse_untold "$@"`;
  const { exitCode, stderr } = await execa("bash", ["-c", command, "bash", ...answer], { reject: false });
  return { exitCode, said: stderr };
}

const [one, two] = ["1", "2"].map((digit) => digit.repeat(64));
const all = `${one}\tshop-staging\tweb\t\n${two}\tother\tdb\t`;

test("what is told of all containers of the project is taken, whatever others there are", async () => {
  using _docker = fakeDocker("exit 1");
  expect(await take("r1", "0", all, `${one}\tweb\tweb`)).toEqual({ exitCode: 0, said: "" });
  expect(await take("-", "0", "", "")).toEqual({ exitCode: 0, said: "" });
  // That it failed is told elsewhere.
  expect(await take("r1", "1", "", "")).toEqual({ exitCode: 0, said: "" });
});

test("a container that is listed and of which nothing is told is not one that is not there", async () => {
  using _docker = fakeDocker(`[ $1 = ps ] && echo ${one}`);
  expect(await take("r1", "0", all, "")).toMatchObject({ exitCode: 3, said: expect.stringContaining("tells nothing of it") as string });
});

test("nor is one that nobody can look up again", async () => {
  using _docker = fakeDocker("exit 1");
  expect(await take("r1", "0", all, "")).toMatchObject({ exitCode: 3 });
});

test("one that has gone away meanwhile is gone", async () => {
  using _docker = fakeDocker(`[ $1 = ps ] && echo ${two}`);
  expect(await take("r1", "0", all, "")).toMatchObject({ exitCode: 0 });
});

test.each([
  ["echo 3", 3],
  ["true", 3],
  ["exit 1", 3],
  ["echo 0", 0],
])("where a release serves, an empty list is believed only of an engine that has no container: %s", async (info, exitCode) => {
  using _docker = fakeDocker(info);
  expect(await take("r1", "0", "", "")).toMatchObject({ exitCode });
});
