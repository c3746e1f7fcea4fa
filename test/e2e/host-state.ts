import { expect } from "vitest";
import { onHost } from "./world.ts";

type Host = "staging" | "production";

/** What a host runs, as far as a deploy that is undone must leave it: no ids, which a service that was brought back has new. */
export function readServices(host: Host): Promise<string> {
  return onHost(
    host,
    `docker ps -aq | xargs docker inspect --format '{{.Name}} {{.Config.Image}} {{index .Config.Labels "coldtivate.definition"}} {{.State.Status}}' | sort
     readlink /home/deploy/.coldtivate/*/current`,
  );
}

/** What a deploy that never began leaves: the very same containers. */
export function readContainers(host: Host): Promise<string> {
  return onHost(host, "docker ps -aq --no-trunc | sort; readlink /home/deploy/.coldtivate/*/current");
}

/** Nothing is at work, nothing half done lies around, and every container is well. */
export async function expectRest(host: Host): Promise<void> {
  const left = await onHost(
    host,
    `cd /home/deploy/.coldtivate
     flock -sn coldtivate-${host}/running true || echo "the lock is held"
     ls -d incoming.* /dev/shm/* 2>/dev/null
     docker ps -a --filter label=com.docker.compose.oneoff=True --format 'task container {{.Names}}'
     for journal in */releases/*/journal; do
       grep -qP '\\t0\\t(finished|undone)\\t' "$journal" || echo "$journal has no end"
     done
     true`,
  );
  expect(left).toBe("");
  await expect
    .poll(() => onHost(host, "docker ps -a --format '{{.Names}} {{.Status}}' | grep -v '(healthy)' || true"), { timeout: 30_000 })
    .toBe("");
}

/** Has every pull on a host wait, until the result is disposed of. */
export async function holdPulls(host: Host): Promise<AsyncDisposable> {
  const docker = "/usr/local/bin/docker";
  const script = `#!/bin/sh\n[ "$1" != pull ] || while [ -e ${docker} ]; do sleep 0.1; done\nexec /usr/bin/docker "$@"\n`;
  await onHost(host, `cat >${docker} <<'END'\n${script}END\nchmod 755 ${docker}`);
  return {
    [Symbol.asyncDispose]: async () => {
      await onHost(host, `rm -f ${docker}`);
    },
  };
}
