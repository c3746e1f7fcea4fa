import { normalize } from "node:path";
import type {
  BuildConfig,
  Config,
  Credentials,
  EnvironmentConfig,
  HooksConfig,
  HostConfig,
  ImageConfig,
  RegistryConfig,
} from "./schema/config.ts";
import { defaultKeptReleases } from "./schema/config.ts";
import { canonicalRegistry } from "../common/reference.ts";
import { mergeDotenvs } from "./values/dotenv.ts";
import { parseJump } from "./jump.ts";
import { defined, mapValues } from "../common/plain.ts";
import type { Path } from "../common/problem.ts";
import { redactor } from "../secrets/redactor.ts";
import type { Written, WrittenEnvironment } from "./schema/schema.ts";
import { resolveFront, resolveService } from "./resolve-service.ts";
import { Secret } from "../secrets/secret.ts";
import type { LoadedSecrets } from "./values/secrets.ts";

const defaultTaskTimeout = 600_000;

export interface Resolution {
  path: string;
  directory: string;
  secrets: LoadedSecrets;
  /** Whether the value at a path refers to a variable that is not set. */
  isUnresolved: (path: Path) => boolean;
}

/** The configuration that commands read: with defaults, with names in camel case, and with the secrets that are needed. */
export function resolveConfig(written: Written, resolution: Resolution): Config {
  return {
    path: resolution.path,
    directory: resolution.directory,
    project: written.project ?? "",
    registry: resolveRegistry(written, resolution),
    build: resolveBuild(written, resolution),
    content: defined({ ttl: written.content?.ttl }),
    images: mapValues(written.images, (image, name) => resolveImage(name, image, resolution)),
    services: mapValues(written.services ?? {}, resolveService),
    composeVariables: present(written.compose_variables ?? []),
    front: resolveFront(written.front),
    tasks: (written.tasks ?? []).map(({ name = "", service, run, undo, when, timeout = defaultTaskTimeout }) => ({
      name,
      service,
      run,
      ...defined({ undo, when }),
      timeout,
    })),
    irreversible: written.irreversible ?? false,
    keepReleases: written.keep_releases ?? defaultKeptReleases,
    hooks: resolveHooks(written),
    secretVariables: resolution.secrets.variables,
    ...defined({ webhook: resolution.secrets.secretAt(["webhook"]) }),
    environments: mapValues(written.environments, (environment, name) => resolveEnvironment(name, environment, resolution)),
  };
}

function resolveHooks({ hooks: { host = {}, ...client } = {} }: Written): HooksConfig {
  return { client: mapValues(defined(client), commandOf), host: defined(host) };
}

/** A path without a folder is relative to coldtivate.yml. It is not looked up on PATH. */
function commandOf(hook: string | string[]): string[] {
  return Array.isArray(hook) ? hook : [hook.includes("/") ? hook : `./${hook}`];
}

function resolveRegistry({ registry }: Written, resolution: Resolution): RegistryConfig {
  const image = registry?.image ?? "";
  const [first = "", ...rest] = image.split("/");
  const host = rest.length > 0 && (/[.:]/.test(first) || first === "localhost") ? canonicalRegistry(first) : "docker.io";
  const credentials = resolveCredentials(registry?.username, resolution);
  return { image, host, insecure: registry?.insecure ?? false, ...(credentials && { credentials }) };
}

function resolveCredentials(username: string | undefined, { secrets, isUnresolved }: Resolution): Credentials | undefined {
  const password = secrets.secretAt(["registry", "password"]);
  if (username === undefined || password === undefined || isUnresolved(["registry", "username"])) return undefined;
  redactor.add(Buffer.from(`${username}:${password.reveal()}`).toString("base64"));
  return { username, password };
}

function resolveBuild({ build = {} }: Written, { secrets }: Resolution): BuildConfig {
  const sshKey = secrets.secretAt(["build", "ssh_key"]);
  return {
    ...defined({ cache: build.cache }),
    submodules: build.submodules ?? true,
    ssh: build.ssh ?? false,
    ...(sshKey && { sshKey }),
    args: build.args ?? {},
    secrets: resolveSecrets(build.secrets, ["build"], secrets),
    platforms: present(build.platforms ?? []),
    ...defined({
      provenance: build.provenance === true ? "min" : build.provenance || undefined,
      sbom: build.sbom || undefined,
    }),
  };
}

function resolveImage(name: string, image: Written["images"][string], { secrets }: Resolution): ImageConfig {
  return {
    name,
    context: normalize(image.context).replace(/(?<=.)\/$/, ""),
    dockerfile: image.dockerfile ?? "Dockerfile",
    ...defined({ target: image.target, contexts: image.contexts, services: image.services }),
    args: image.args ?? {},
    secrets: resolveSecrets(image.secrets, ["images", name], secrets),
  };
}

function resolveSecrets(written: Record<string, unknown> | undefined, parent: Path, secrets: LoadedSecrets): Record<string, Secret> {
  const entries = Object.keys(written ?? {}).map((id) => [id, secrets.secretAt([...parent, "secrets", id])] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, Secret] => entry[1] !== undefined));
}

function resolveEnvironment(name: string, environment: WrittenEnvironment, { secrets }: Resolution): EnvironmentConfig {
  const path = ["environments", name];
  const entries = environment.hosts ?? (environment.host === undefined ? [] : [environment.host]);
  return {
    name,
    branches: environment.branches ?? [],
    tags: environment.tags ?? [],
    confirm: environment.confirm ?? false,
    hosts: entries
      .map((entry, index) => resolveHost(entry, [...path, "hosts", index], environment, secrets))
      .filter(({ host }) => host !== ""),
    ...resolveDotenv(environment, path, secrets),
    ...defined({ compose: environment.compose }),
  };
}

/** The secrets in a dotenv are registered one by one when it is read. */
function resolveDotenv({ dotenv }: WrittenEnvironment, path: Path, secrets: LoadedSecrets) {
  const place = [...path, "dotenv"];
  const places = Array.isArray(dotenv) ? dotenv.map((_, index) => [...place, index]) : [place];
  const [first, ...more] = present(places.map((each) => secrets.at(each)));
  if (first === undefined) return {};
  if (more.length === 0) return { dotenv: new Secret(first.content, undefined, false), dotenvSource: first.source };
  const all = [first, ...more];
  const sources = all.map(({ source }) => source);
  return {
    dotenv: new Secret(mergeDotenvs(all.map(({ content }) => content)), undefined, false),
    dotenvSource: sources.join(", "),
    dotenvSources: sources,
  };
}

/** A host's own settings take precedence over the environment's. */
function resolveHost(
  entry: NonNullable<WrittenEnvironment["hosts"]>[number],
  path: Path,
  environment: WrittenEnvironment,
  secrets: LoadedSecrets,
): HostConfig {
  const own = typeof entry === "object" ? entry : { host: entry };
  const parent = path.slice(0, 2);
  const privateKey = secrets.secretAt([...path, "private_key"]) ?? secrets.secretAt([...parent, "private_key"]);
  const knownHosts = (secrets.at([...path, "known_hosts"]) ?? secrets.at([...parent, "known_hosts"]))?.content;
  const sshConfig = own.ssh_config ?? environment.ssh_config;
  const inherited = defined({ privateKey, sshConfig });
  const jump =
    own.jump === undefined ? resolveJump(environment.jump, parent, inherited, secrets) : resolveJump(own.jump, path, inherited, secrets);
  return {
    host: own.host ?? "",
    ...defined({ port: own.port ?? environment.port, user: own.user ?? environment.user }),
    ...defined({ fingerprint: own.fingerprint ?? environment.fingerprint, knownHosts, jump }),
    ...inherited,
  };
}

/** A jump host uses the key of the host behind it, unless it has its own. */
function resolveJump(
  written: WrittenEnvironment["jump"],
  path: Path,
  inherited: Pick<HostConfig, "privateKey" | "sshConfig">,
  secrets: LoadedSecrets,
): HostConfig[] | undefined {
  if (written === undefined) return undefined;
  if (written === "none") return [];
  const isList = Array.isArray(written);
  return (isList ? written : [written]).map((hop, index) => {
    if (hop === undefined || typeof hop === "string") return { ...inherited, ...parseJump(hop ?? "") };
    const at = [...path, "jump", ...(isList ? [index] : [])];
    const privateKey = secrets.secretAt([...at, "private_key"]);
    const knownHosts = secrets.at([...at, "known_hosts"])?.content;
    const { host = "", port, user, fingerprint } = hop;
    return { host, ...inherited, ...defined({ port, user, privateKey, fingerprint, knownHosts }) };
  });
}

function present<Value>(values: readonly (Value | undefined)[]): Value[] {
  return values.filter((value) => value !== undefined);
}
