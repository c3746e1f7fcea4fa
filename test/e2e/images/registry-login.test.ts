import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commitAll, makeFolder } from "../support/clones.ts";
import { useBuildKit } from "../support/engine-relay.ts";
import { makeScratchProject, removeProject } from "../support/projects/scratch-project.ts";
import { startOwnRegistry, type OwnRegistry, type RegistryKind } from "../support/registry/own-registry.ts";
import { coldtivate, sandbox, type Ran } from "../support/run.ts";

/** Ways to say who we are. */
const logins = {
  "the configuration": ({ username, password }) => ({ ROBOT: username, ROBOT_PASSWORD: password }),
  "docker login's file": async (registry, folder) => ({ DOCKER_CONFIG: await writeDockerConfig(folder, { auths: authsOf(registry) }) }),
  "a credential helper": async ({ host, username, password }, folder) => {
    const helper = join(folder, "docker-credential-vault");
    const answer = JSON.stringify({ ServerURL: host, Username: username, Secret: password });
    await writeFile(helper, `#!/bin/sh\n[ "$1" = get ] && [ "$(cat)" = ${host} ] && echo '${answer}'\n`);
    await chmod(helper, 0o755);
    const DOCKER_CONFIG = await writeDockerConfig(folder, { credHelpers: { [host]: "vault" } });
    return { DOCKER_CONFIG, PATH: `${folder}:${sandbox()["PATH"]}` };
  },
  DOCKER_AUTH_CONFIG: (registry) => ({ DOCKER_AUTH_CONFIG: JSON.stringify({ auths: authsOf(registry) }) }),
} satisfies Record<string, (registry: OwnRegistry, folder: string) => Record<string, string> | Promise<Record<string, string>>>;

function authsOf({ host, username, password }: OwnRegistry): Record<string, { auth: string }> {
  return { [host]: { auth: Buffer.from(`${username}:${password}`).toString("base64") } };
}

async function writeDockerConfig(folder: string, content: object): Promise<string> {
  await writeFile(join(folder, "config.json"), JSON.stringify(content));
  return folder;
}

const withoutDocker = { DOCKER_HOST: "unix:///tmp/no-such-docker.sock" };

// Side by side: most of it is waiting.
test.concurrent.for<[RegistryKind["scheme"], "TLS" | "plain HTTP", keyof typeof logins]>([
  ["bearer", "TLS", "a credential helper"],
  ["bearer", "plain HTTP", "DOCKER_AUTH_CONFIG"],
  ["basic", "TLS", "the configuration"],
  ["basic", "plain HTTP", "docker login's file"],
])("a registry with %s authentication over %s, and the login from %s", async ([scheme, transport, login]) => {
  const folder = await makeFolder();
  const tls = transport === "TLS";
  await using registry = await startOwnRegistry({ scheme, tls }, join(folder, "registry"));
  const project = `login-${scheme}-${tls ? "tls" : "plain"}`;
  const image = `${registry.host}/test/${project}`;
  const clone = await makeScratchProject(project, folder, {
    registry: { image, username: "${ROBOT:-}", password: "${ROBOT_PASSWORD:-}", insecure: !tls },
  });
  const known = await logins[login](registry, folder);
  // An engine with containerd's store asks a token server that only its system may vouch for: a builder elsewhere leaves that to buildx.
  await using buildKit = scheme === "bearer" && tls ? await useBuildKit(folder) : undefined;
  const { builder = [] } = buildKit ?? {};
  const env = { ...(tls && { SSL_CERT_FILE: registry.certificate }), ...known, ...buildKit?.env };
  const must = async (args: string[], more: Record<string, string> = {}): Promise<Ran> => {
    const ran = await coldtivate(args, { cwd: clone, env: { ...env, ...more } });
    expect(ran, `${args.join(" ")}: ${ran.output}`).toMatchObject({ exitCode: 0 });
    return ran;
  };
  const commit = async (news: string) => {
    await writeFile(join(clone, "app", "root", "news"), news);
    return (await commitAll(clone, news)).slice(0, 8);
  };

  const first = await commit("first");
  await must(["build", "--push", ...builder]);
  await commit("second");
  if (builder.length > 0) await must(["build", "--push", ...builder]);
  else {
    await must(["build"]);
    await must(["push"]);
  }
  await writeFile(join(clone, "README"), "of no image");
  await commitAll(clone, "third");
  const hit = JSON.parse((await must(["build", "--push", "--json"], withoutDocker)).stdout) as { images: { unchanged: boolean }[] };
  expect(hit.images).toMatchObject([{ unchanged: true }]);
  try {
    await must(["deploy", "staging"]);
    const pruned = await must(["registry", "prune", "--keep-days", "0", "--yes", "--json"]);
    expect(JSON.parse(pruned.stdout)).toMatchObject({ removed: [{ tags: expect.arrayContaining([first]) }] });
  } finally {
    await removeProject("staging", `${project}-staging`);
  }
  expect(registry.scopes.some((scope) => scope.endsWith(":delete"))).toBe(scheme === "bearer");
});
