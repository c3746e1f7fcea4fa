import { access, symlink } from "node:fs/promises";
import { join } from "node:path";
import { childEnvironment } from "../../secrets/child-environment.ts";
import type { RegistryConfig } from "../../config/schema/config.ts";
import { ColdtivateError } from "../../errors.ts";
import { describeDockerFailure } from "./docker-failure.ts";
import { hintForTrust } from "../../images/builder-trust.ts";
import type { PrivateDirectory } from "../private-directory.ts";
import { unauthorized } from "../registry/registry-auth.ts";
import { dockerConfigDirectory, hasJobLogins, loginName, readDockerConfig } from "../registry/registry-credentials.ts";

/** Environment variables for every `docker` command that needs the registry. */
export type DockerEnvironment = Record<string, string>;

/**
 * Logs in to the registry in a separate Docker configuration: a copy of the user's, with the login added. Without credentials,
 * the user's own login is used.
 * @param directory where the configuration is written; it holds the password until it is disposed of
 * @throws ColdtivateError REGISTRY_UNAUTHORIZED, REGISTRY_UNREACHABLE, DOCKER_UNREACHABLE, DOCKER_MISSING
 */
export async function logInToRegistry(
  { host, credentials }: Pick<RegistryConfig, "host" | "credentials">,
  directory: PrivateDirectory,
  signal?: AbortSignal,
): Promise<DockerEnvironment> {
  if (credentials === undefined) return hasJobLogins() ? copyDockerConfig(undefined, directory) : {};
  const env = await copyDockerConfig(host, directory);
  await tryLogin({ host, credentials }, env, signal);
  return env;
}

/**
 * Lets the engine try the login: it may reach and trust a registry that this machine does not, and the other way round.
 * @param env the result of logInToRegistry or noteLogin
 * @throws as logInToRegistry
 */
export async function tryLogin(
  { host, credentials }: Pick<RegistryConfig, "host" | "credentials">,
  env: DockerEnvironment,
  signal?: AbortSignal,
): Promise<void> {
  if (credentials === undefined) return;
  const { execa, ExecaError } = await import("execa");
  const args = ["login", "--username", credentials.username, "--password-stdin", host];
  try {
    await execa("docker", args, {
      env: childEnvironment("docker", env),
      extendEnv: false,
      input: credentials.password.reveal(),
      timeout: 60_000,
      ...(signal && { cancelSignal: signal }),
    });
  } catch (cause) {
    if (!(cause instanceof ExecaError) || signal?.aborted) throw cause;
    const said = `${cause.stderr}`;
    if (/unauthorized|incorrect username or password|\b401\b|denied|\b403\b/i.test(said)) throw unauthorized(host, credentials);
    throw describeDockerFailure(cause) ?? failed(host, said, cause);
  }
}

/**
 * The same without a Docker engine that tries the login: builders elsewhere ask the client for it.
 * @param directory as for logInToRegistry
 */
export async function noteLogin(
  { host, credentials }: Pick<RegistryConfig, "host" | "credentials">,
  directory: PrivateDirectory,
): Promise<DockerEnvironment> {
  if (credentials === undefined) return hasJobLogins() ? copyDockerConfig(undefined, directory) : {};
  const auth = Buffer.from(`${credentials.username}:${credentials.password.reveal()}`).toString("base64");
  return copyDockerConfig(host, directory, { auth });
}

/** Copies the user's configuration with everything that works through it. Only the login for the given host stays in the file. */
async function copyDockerConfig(
  host: string | undefined,
  { path, write }: PrivateDirectory,
  login?: { auth: string },
): Promise<DockerEnvironment> {
  const own = dockerConfigDirectory();
  const config = await readDockerConfig(own);
  const key = host === undefined ? undefined : loginName(host);
  await write(
    "config.json",
    JSON.stringify({
      ...config,
      ...(key !== undefined && login !== undefined && { auths: { ...config.auths, [key]: login } }),
      // An empty helper keeps the password out of the user's keychain and in our file.
      credHelpers: { ...config.credHelpers, ...(key !== undefined && { [key]: "" }) },
    }),
  );
  for (const part of ["cli-plugins", "contexts", "trust"]) {
    const source = join(own, part);
    const exists = await access(source).then(
      () => true,
      () => false,
    );
    if (exists) await symlink(source, join(path, part));
  }
  const { BUILDX_CONFIG: builders, DOCKER_CERT_PATH: certificates } = process.env;
  return {
    DOCKER_CONFIG: path,
    BUILDX_CONFIG: builders || join(own, "buildx"),
    // The client looks for certificates in the folder of its configuration.
    DOCKER_CERT_PATH: certificates || own,
  };
}

function failed(host: string, said: string, cause: unknown): ColdtivateError {
  return new ColdtivateError(`the login to the registry ${host} failed`, {
    code: "REGISTRY_UNREACHABLE",
    exit: "refused",
    details: said.trim().split("\n").slice(-3),
    hint: hintForTrust(said) ?? "See that the registry is up and can be reached from the Docker engine, then run the command again.",
    cause,
  });
}
