import { cp } from "node:fs/promises";
import { join } from "node:path";
import { inject, onTestFinished } from "vitest";
import { edit } from "../clones.ts";
import { holdDocker, type Held } from "../host-state.ts";
import { onHost } from "../hosts.ts";
import { top } from "../repository.ts";
import { must } from "../run.ts";
import { composeFile } from "./fronts-project.ts";
import { makeSmallProject } from "./small-project.ts";

/** The hosts of the environment, in its order. */
export const fleet = ["staging", "production", "host1"] as const;

export type FleetHost = (typeof fleet)[number];

export const fleetProject = "fleet-staging";

const state = `/home/deploy/.coldtivate/${fleetProject}`;

/** Sees to it that the sandbox has all hosts; what a CI job knows of the third one. */
export async function bringUpFleet(): Promise<Record<string, string>> {
  const sandbox = (...words: string[]) => must("bash", ["scripts/sandbox.sh", ...words, "--net", inject("net")], { cwd: top });
  await sandbox("up", "--hosts", "1");
  const names = ["HOST1_SSH_HOST", "HOST1_SSH_FINGERPRINT"];
  const values = await must("bash", ["-c", `eval "$(bash scripts/sandbox.sh env --net ${inject("net")})"; printenv ${names.join(" ")}`], {
    cwd: top,
  });
  return Object.fromEntries(values.split("\n").map((value, index) => [names[index]!, value]));
}

/** Cuts or restores the power of a host. */
export async function power(verb: "power-off" | "power-on", host: FleetHost): Promise<void> {
  await must("bash", ["scripts/sandbox.sh", verb, "--net", inject("net"), host], { cwd: top });
}

/** A clone of the shop that is deployed to all hosts, as a project of its own. */
export async function makeFleetProject(): Promise<string> {
  const clone = await makeSmallProject();
  for (const file of ["server.py", "heartbeat.sh"])
    await cp(join(top, "test/e2e/support/projects/fronts-project", file), join(clone, "web", file));
  await cp(join(top, "test/e2e/support/projects/fronts-project", composeFile), join(clone, composeFile));
  await edit(clone, "coldtivate.yml", (text) => {
    const hosts = ["STAGING", "PRODUCTION", "HOST1"].map(
      (name) => `      - { host: "\${${name}_SSH_HOST}", fingerprint: "\${${name}_SSH_FINGERPRINT}" }\n`,
    );
    const several = text
      .replace(/ {4}host: .*\n {4}fingerprint: .*\n/, `    hosts:\n${hosts.join("")}`)
      .replace("project: small", "project: fleet")
      .replace("compose: [docker-compose.yml]", `compose: [${composeFile}]`)
      .replace(/tasks:\n.*\n/, "")
      .replace(
        "web: { healthy_within: 60s }",
        ["shop", "stall"].map((name) => `${name}: { rollout: blue-green, healthy_within: 10s }`).join("\n  "),
      );
    return `${several}front: { image: "\${FRONT_IMAGE:-haproxy:3.2-alpine}" }\n`;
  });
  return clone;
}

export async function removeFleetProject(): Promise<void> {
  const filter = `--filter label=com.docker.compose.project=${fleetProject}`;
  for (const host of fleet) {
    await onHost(
      host,
      `docker ps -aq ${filter} | xargs -r docker rm -fv >&2
       docker network ls -q ${filter} | xargs -r docker network rm >&2
       docker volume ls -q ${filter} | xargs -r docker volume rm >&2
       rm -rf ${state}`,
    );
  }
}

/** Has a host not get past the reload of a front, while it switches, until it is released. */
export const holdSwitch = (host: FleetHost): Promise<Held> => holdDocker(host, "*USR2*");

/** Has a host's SSH packets be lost, both ways, until it is mended. */
export async function freezeLink(host: FleetHost): Promise<{ mend: () => Promise<void> }> {
  const rules = ["INPUT -p tcp --dport 22 -j DROP", "OUTPUT -p tcp --sport 22 -j DROP"];
  const change = (verb: string) => onHost(host, rules.map((rule) => `iptables ${verb} ${rule} 2>/dev/null`).join("; "));
  const mend = async () => void (await change("-D").catch(() => undefined));
  await change("-I");
  onTestFinished(mend);
  return { mend };
}

/** The releases that the hosts serve. */
export function served(): Promise<string[]> {
  return Promise.all(fleet.map(async (host) => (await onHost(host, `readlink ${state}/current`)).replace("releases/", "")));
}

/** The last release's end on a host; empty where it has none. */
export function lastEnd(host: FleetHost): Promise<string> {
  return onHost(
    host,
    `cat $(ls -td ${state}/releases/*/journal | head -n 1) | cut -f 2,3 | grep -P '^0\\t(finished|undone|broken)$' | cut -f 2 || true`,
  );
}
