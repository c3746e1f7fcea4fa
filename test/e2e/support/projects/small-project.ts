import { cp } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../clones.ts";
import { onHost } from "../hosts.ts";
import { top } from "../repository.ts";
import { must } from "../run.ts";

/** A clone of a project whose deploys take a few seconds, for failures and for what the monorepo does not have. */
export async function makeSmallProject(): Promise<string> {
  const clone = join(await makeFolder(), "small");
  await cp(join(top, "test/e2e/support/projects/small-project"), clone, { recursive: true });
  await must("git", ["init", "--quiet", "--initial-branch", "main"], { cwd: clone });
  await must("git", ["config", "user.email", "test@example.com"], { cwd: clone });
  await must("git", ["config", "user.name", "Test"], { cwd: clone });
  return clone;
}

/** Takes the project off staging. */
export async function removeSmallProject(): Promise<void> {
  await onHost(
    "staging",
    `docker ps -aq --filter label=com.docker.compose.project=small-staging | xargs -r docker rm -fv >&2
     docker network ls -q --filter label=com.docker.compose.project=small-staging | xargs -r docker network rm >&2
     rm -rf /home/deploy/.coldtivate/small-staging`,
  );
}
