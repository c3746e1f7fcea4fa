import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { ComposeService } from "../../../src/lib/compose/model.ts";
import { unsetText } from "../../../src/lib/compose/unset-variables.ts";

const engine = new URL("../../../scripts/environment-deployment-management/engine.sh", import.meta.url).pathname;

/** What of some variables Compose is started with. */
function seenBy(services: Record<string, ComposeService>): Record<string, string> {
  const release = mkdtempSync(join(tmpdir(), "coldtivate-unset-"));
  onTestFinished(() => rmSync(release, { recursive: true }));
  writeFileSync(join(release, "compose.json"), "{}");
  writeFileSync(join(release, "unset"), unsetText(services));
  const script = `
    set -Eeuo pipefail
    export LC_ALL=C COMPOSE_IGNORE_ORPHANS=1
    project=shop state=${release}
    source ${engine}
    composer=(bash -c 'exec env' compose)
    compose ${release} config`;
  const output = execFileSync("bash", ["-c", script], {
    encoding: "utf8",
    env: {
      PATH: process.env["PATH"],
      HOME: "/home/deploy",
      LANG: "de_DE.UTF-8",
      TZ: "Europe/Zurich",
      SSH_CLIENT: "198.18.0.1",
      DOCKER_HOST: "tcp://x",
    },
  });
  const wanted = new Set(["HOME", "LANG", "TZ", "SSH_CLIENT", "DOCKER_HOST", "LC_ALL", "COMPOSE_IGNORE_ORPHANS"]);
  const lines = output.split("\n").map((line): [string, string] => [line.replace(/=.*/, ""), line.replace(/^[^=]*=/, "")]);
  return Object.fromEntries(lines.filter(([name]) => wanted.has(name)));
}

test("Compose gets no variable of the host's that a service wants passed on and the release does not have", () => {
  const all = { HOME: "/home/deploy", LANG: "de_DE.UTF-8", TZ: "Europe/Zurich", SSH_CLIENT: "198.18.0.1", DOCKER_HOST: "tcp://x" };
  const own = { LC_ALL: "C", COMPOSE_IGNORE_ORPHANS: "1" };
  expect(seenBy({ web: { environment: { LANG: "C", A: "" } }, db: {} })).toEqual({ ...all, ...own });
  const { LANG, ...rest } = all;
  expect(
    seenBy({ web: { environment: { TZ: null, SSH_CLIENT: null, NOWHERE: null, LANG } }, db: { environment: { LC_ALL: null } } }),
  ).toEqual({
    HOME: rest.HOME,
    LANG,
    DOCKER_HOST: rest.DOCKER_HOST,
    COMPOSE_IGNORE_ORPHANS: "1",
  });
});

test("what docker needs itself is left to it, and no name is a line of its own making", () => {
  const environment = {
    PATH: null,
    HOME: null,
    DOCKER_HOST: null,
    DOCKER_CONFIG: null,
    COMPOSE_PROFILES: null,
    "A\nB": null,
    "-x": null,
    TZ: null,
  };
  expect(unsetText({ web: { environment }, db: { environment: { TZ: null, B: null } } })).toBe("B\nTZ\n");
});
