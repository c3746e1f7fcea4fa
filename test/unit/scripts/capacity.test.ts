import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

const parts = new URL("../../../scripts/environment-deployment-management/", import.meta.url).pathname;

/** Which folder's disk a host tells of, with containers as observe has them and an engine that answers `docker info` so. */
function diskOf(containers: string, info: string, environment: Record<string, string> = {}): string[] {
  const script = `
    set -Eeuo pipefail; shopt -s inherit_errexit nullglob
    ask() { [[ $1 == info && -n '${info}' ]] && printf '%b' '${info}'; }
    source ${parts}capacity.sh
    free_disk() { printf 'disk %s\\n' "$1"; }
    capacity "$(printf '%b' '${containers}')" ''`;
  return execFileSync("bash", ["-c", script], { encoding: "utf8", env: { ...process.env, ...environment } })
    .split("\n")
    .filter((line) => line.startsWith("disk "));
}

const container = (hostname: string, driver: string) =>
  ["id1", "web-1", "web", "image", "def", "state", "running", "-", "False", "net", "0", hostname, driver].join("\\t");

test("the disk that is looked at is the one where the engine keeps images", () => {
  expect(diskOf(container("/srv/docker/containers/id1/hostname", "overlay2"), "")).toEqual(["disk /srv/docker"]);
});

test("an engine that has no container of the project yet is asked where that is: it may be another one than root's", () => {
  const own = "/home/deploy/.local/share/docker";
  expect(diskOf("", `${own}\\toverlay2\\n`)).toEqual([`disk ${own}`]);
  expect(diskOf("id1\\tweb-1", `${own}\\tfuse-overlayfs\\n`)).toEqual([`disk ${own}`]);
  expect(diskOf("", `${own}\\toverlayfs\\t[name=seccomp name=rootless]\\n`)).toEqual([`disk ${own}`]);
});

test("one that does not say is taken for the usual one", () => {
  expect(diskOf("", "")).toEqual(["disk /var/lib/docker"]);
});
