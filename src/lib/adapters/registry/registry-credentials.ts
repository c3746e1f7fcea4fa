import { homedir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { childEnvironment } from "../../secrets/child-environment.ts";
import type { Credentials } from "../../config/schema/config.ts";
import { redactor } from "../../secrets/redactor.ts";
import { Secret } from "../../secrets/secret.ts";
import { ColdtivateError } from "../../errors.ts";
import { readBounded } from "../../common/file.ts";
import { canonicalRegistry } from "../../common/reference.ts";

const configFile = z.looseObject({
  auths: z
    .record(z.string(), z.looseObject({ auth: z.string().optional(), username: z.string().optional(), password: z.string().optional() }))
    .optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
});

/** The parts of a Docker client's config.json that matter here; the others are preserved. */
export type DockerConfigFile = z.infer<typeof configFile>;

const helperAnswer = z.object({ Username: z.string(), Secret: z.string() });

/** The folder of the user's Docker configuration. */
export function dockerConfigDirectory(): string {
  const { DOCKER_CONFIG: directory } = process.env;
  return directory === undefined || directory === "" ? join(homedir(), ".docker") : directory;
}

/** Whether a CI job brings logins of its own, in the variable that GitLab uses for a Docker configuration. */
export function hasJobLogins(): boolean {
  return (process.env["DOCKER_AUTH_CONFIG"] ?? "") !== "";
}

/**
 * The user's config.json, or an empty one, with the logins of DOCKER_AUTH_CONFIG taking precedence over its own.
 * @throws ColdtivateError DOCKER_CONFIG_INVALID
 */
export async function readDockerConfig(directory = dockerConfigDirectory()): Promise<DockerConfigFile> {
  const path = join(directory, "config.json");
  const text = (await readText(path)) ?? "{}";
  const config = parseConfig(text, path, "Mend it, or move it away and run docker login again.");
  if (!hasJobLogins()) return config;
  const { auths = {} } = parseConfig(
    await readJobLogins(),
    "DOCKER_AUTH_CONFIG",
    "It is the content of a config.json, as docker login writes it, or the path of one.",
  );
  for (const { auth } of Object.values(auths)) if (auth !== undefined && auth !== "") redactor.add(auth);
  // An empty helper means that the login is in the file.
  const inFile = Object.fromEntries(Object.keys(auths).map((registry) => [registry, ""]));
  return { ...config, auths: { ...config.auths, ...auths }, credHelpers: { ...config.credHelpers, ...inFile } };
}

/** The credential helpers that the Docker client may start, according to the user's configuration. */
export async function configuredHelpers(): Promise<string[]> {
  const { credsStore = "", credHelpers = {} } = await readDockerConfig();
  return [...new Set([credsStore, ...Object.values(credHelpers)])].filter((helper) => helper !== "");
}

/** A variable of type file holds a path. */
async function readJobLogins(): Promise<string> {
  const { DOCKER_AUTH_CONFIG: value = "" } = process.env;
  return value.trimStart().startsWith("{") ? value : ((await readText(value)) ?? "");
}

/** The text of a file; undefined if it cannot be read. Throws FILE_TOO_LARGE. */
async function readText(path: string): Promise<string | undefined> {
  try {
    return (await readBounded(path)).toString();
  } catch (cause) {
    if (cause instanceof ColdtivateError) throw cause;
    return undefined;
  }
}

function parseConfig(text: string, name: string, hint: string): DockerConfigFile {
  try {
    return configFile.parse(JSON.parse(text));
  } catch {
    throw new ColdtivateError(`${name} is no Docker configuration`, { code: "DOCKER_CONFIG_INVALID", exit: "usage", hint });
  }
}

/** The name of a registry in Docker's configuration. */
export function loginName(registry: string): string {
  return registry === "docker.io" ? "https://index.docker.io/v1/" : registry;
}

/** The user's own Docker login for a registry: from its helper, its store or its file, in Docker's order. */
export async function findCredentials(registry: string): Promise<Credentials | undefined> {
  const config = await readDockerConfig();
  const key = loginName(registry);
  const ownHelper = Object.entries(config.credHelpers ?? {}).find(([name]) => hostOf(name) === registry)?.[1];
  const helper = config.credHelpers?.[key] ?? config.credHelpers?.[registry] ?? ownHelper ?? config.credsStore;
  if (helper !== undefined && helper !== "") return askHelper(helper, key);
  const entry = config.auths?.[key] ?? Object.entries(config.auths ?? {}).find(([name]) => hostOf(name) === registry)?.[1];
  if (entry === undefined) return undefined;
  const [username = "", ...password] = Buffer.from(entry.auth ?? "", "base64")
    .toString()
    .split(":");
  if (username !== "") return { username, password: new Secret(password.join(":")) };
  return entry.username === undefined ? undefined : { username: entry.username, password: new Secret(entry.password ?? "") };
}

/** Older clients, and people, use the address of a registry's API: `https://registry.example.com/v1/`. */
function hostOf(name: string): string {
  return canonicalRegistry(name.replace(/^https?:\/\//, "").replace(/\/.*$/s, ""));
}

/**
 * Docker's protocol for helpers: the registry on standard input, JSON on standard output. Any failure means that there is no
 * login.
 */
async function askHelper(helper: string, registry: string): Promise<Credentials | undefined> {
  const { execa } = await import("execa");
  try {
    const { stdout } = await execa(`docker-credential-${helper}`, ["get"], {
      env: childEnvironment("credential helper", {}, [helper]),
      extendEnv: false,
      input: registry,
      timeout: 30_000,
      // NODE_DEBUG=execa would print its answer.
      verbose: "none",
    });
    const answer = helperAnswer.parse(JSON.parse(stdout));
    return { username: answer.Username, password: new Secret(answer.Secret) };
  } catch {
    return undefined;
  }
}
