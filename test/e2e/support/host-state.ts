import { expect, onTestFinished } from "vitest";
import { onHost, type Host } from "./hosts.ts";

/** What a project runs on a host, as far as a deploy that is undone must leave it: no ids, which a service that was brought back has new. */
export function readServices(host: Host, project: string): Promise<string> {
  const format = '{{.Name}} {{.Config.Image}} {{index .Config.Labels "coldtivate.definition"}} {{.State.Status}}';
  return onHost(host, `${containersOf(project)} | xargs docker inspect --format '${format}' | sort; ${currentOf(project)}`);
}

/** What a deploy that never began leaves: the very same containers. */
export function readContainers(host: Host, project: string): Promise<string> {
  return onHost(host, `${containersOf(project)} | sort; ${currentOf(project)}`);
}

const everything = [
  "docker ps -aq --no-trunc | sort | xargs -r docker inspect --format '{{.Id}} {{.State.StartedAt}} {{.RestartCount}}'",
  "find /home/deploy/.coldtivate -type f -exec sha256sum {} + | sort",
  "ls -A /dev/shm",
].join("; ");

/** What a command that is refused leaves as it is: containers and when they started, the state directory, memory-backed files. */
export function hostContent(host: Host): Promise<string> {
  return onHost(host, everything);
}

/** Nothing is at work, nothing half done lies around, and every container is well. */
export async function expectRest(host: Host, project: string): Promise<void> {
  const left = await onHost(
    host,
    `cd /home/deploy/.coldtivate
     flock -sn ${project}/running true || echo "the lock is held"
     ls -d incoming.* /dev/shm/* 2>/dev/null
     docker ps -a --filter label=com.docker.compose.project=${project} --filter label=com.docker.compose.oneoff=True --format 'task container {{.Names}}'
     for journal in ${project}/releases/*/journal; do
       grep -qP '\\t0\\t(finished|undone)\\t' "$journal" || echo "$journal has no end"
     done
     true`,
  );
  expect(left).toBe("");
  const unwell = `docker ps -a --filter label=com.docker.compose.project=${project} --format '{{.Names}} {{.Status}}' | grep -v 'Exited (0)' | grep -E '\\((unhealthy|health: starting)\\)|^\\S+ [^U]' || true`;
  await expect.poll(() => onHost(host, unwell), { timeout: 60_000 }).toBe("");
}

/** Has every pull on a host wait until it is released, or until the test has ended. */
export const holdPulls = (host: Host): Promise<Held> => holdDocker(host, "pull*");

export interface Held {
  release: () => Promise<void>;
}

/** Has Docker's client wait on a host, where its arguments match a shell's pattern, until it is released or the test has ended. */
export async function holdDocker(host: Host, pattern: string): Promise<Held> {
  const held = "/usr/local/bin/docker.held";
  await onHost(host, `touch ${held}`);
  await replaceDocker(host, `case "$*" in ${pattern}) while [ -e ${held} ]; do sleep 0.1; done ;; esac`);
  // The program itself stays until the test has ended: a shell may be about to open it.
  const release = async () => void (await onHost(host, `rm -f ${held}`));
  onTestFinished(release);
  return { release };
}

/** Has a host's users run some lines of shell before Docker's client, until the test has ended. */
export async function replaceDocker(host: Host, lines: string): Promise<void> {
  const docker = "/usr/local/bin/docker";
  const script = `#!/bin/sh\n${lines}\nexec /usr/bin/docker "$@"\n`;
  // In one step: what is at work on the host never finds half of it.
  await onHost(host, `cat >${docker}.new <<'END'\n${script}END\nchmod 755 ${docker}.new && mv ${docker}.new ${docker}`);
  onTestFinished(async () => void (await onHost(host, `rm -f ${docker}`)));
}

const containersOf = (project: string): string => `docker ps -aq --no-trunc --filter label=com.docker.compose.project=${project}`;
const currentOf = (project: string): string => `readlink /home/deploy/.coldtivate/${project}/current`;
