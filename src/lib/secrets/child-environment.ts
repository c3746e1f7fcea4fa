import { helperVariables } from "./helper-variables.ts";

/** The programs that we start, grouped by what they need from the environment. */
export type Child = "git" | "git with a remote" | "docker" | "ssh" | "ssh-agent" | "sops" | "credential helper";

/** What every program needs to be found, to run as this user, and to communicate with people. `*` matches anything. */
const common = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "LANG",
  "LANGUAGE",
  "LC_*",
  "TZ",
  "TERM",
  "TMPDIR",
  "TMP",
  "TEMP",
  "XDG_*",
  "LD_*",
];

/** For programs that use the network. */
const proxies = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];
const network = [...proxies, ...proxies.map((name) => name.toLowerCase()), "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE"];

const agent = ["SSH_AUTH_SOCK", "SSH_AGENT_PID"];
const keyring = ["DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "GNUPGHOME", "GPG_TTY"];
const git = [...common, ...network, ...agent, ...keyring, "GIT_*", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE"];

/**
 * What Docker's client and buildx read, according to their documentation. DOCKER_AUTH_CONFIG is not included: its logins are in
 * the configuration that we pass.
 */
const docker =
  "API_VERSION BUILDKIT CERT_PATH CONFIG CONTENT_TRUST CONTENT_TRUST_SERVER CONTEXT CUSTOM_HEADERS DEFAULT_PLATFORM HOST TLS TLS_VERIFY"
    .split(" ")
    .map((name) => `DOCKER_${name}`);

const needs: Readonly<Record<Child, readonly string[]>> = {
  git,
  // Read by the helpers of GitLab's and GitHub's jobs and clients.
  "git with a remote": [...git, "CI_JOB_TOKEN", "CI_SERVER_*", "GITHUB_TOKEN", "GH_TOKEN", "GH_HOST", "GITLAB_TOKEN", "GITLAB_HOST"],
  docker: [...common, ...network, ...agent, ...docker, "BUILDX_*", "BUILDKIT_*", "SOURCE_DATE_EPOCH", "KUBECONFIG"],
  ssh: [...common, ...agent, "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "DISPLAY", "WAYLAND_DISPLAY"],
  "ssh-agent": common,
  // Its keys may be held by a cloud, by Vault, by age or by PGP.
  sops: [...common, ...network, ...agent, ...keyring, ...helperVariables.clouds, "GPG_EXEC", "SOPS_*", "VAULT_*"],
  "credential helper": [...common, ...network],
};

/** A pattern with `*` does not match these names: somebody else's password may have such a name. */
const sensitive = /token|passw|secret|private|credential/i;

/** The variable that lists them. */
const kept = "COLDTIVATE_KEEP_ENV";

/**
 * The environment of a program that we start: only the variables of our own environment that it needs. A CI job's environment
 * holds the keys of all environments, and a build has no business with any of them.
 *
 * @param own extra variables for the program
 * @param from our own environment
 * @param helpers Docker credential helpers that the program may start, such as `ecr-login`
 */
export function childEnvironment(
  child: Child,
  own: Readonly<Record<string, string | undefined>> = {},
  helpers: readonly string[] = [],
  from: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const named = [...helpers.flatMap((helper) => helperVariables.of(helper)), ...keptNames(from)];
  const isWanted = (name: string) =>
    needs[child].some((pattern) => matches(pattern, name, child !== "sops")) || named.some((pattern) => matches(pattern, name, false));
  return defined({ ...only(isWanted, from), ...own });
}

/**
 * The environment of one of the user's own programs. It may need any variable, except the secrets that only we use.
 *
 * @param secretVariables the variables that coldtivate.yml takes secrets from
 * @param own variables to add
 * @param from our own environment
 */
export function hookEnvironment(
  secretVariables: readonly string[],
  own: Readonly<Record<string, string>> = {},
  from: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const wanted = new Set(keptNames(from));
  return defined({ ...only((name) => wanted.has(name) || !secretVariables.includes(name), from), ...own });
}

/** The variables that the user wants every child process to get. */
export function keptNames({ [kept]: names = "" }: NodeJS.ProcessEnv): string[] {
  return names.split(/[\s,]+/).filter((name) => name !== "");
}

function only(isWanted: (name: string) => boolean, from: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(from).filter(([name]) => isWanted(name)));
}

function matches(pattern: string, name: string, isCautious: boolean): boolean {
  if (!pattern.includes("*")) return pattern === name;
  const [before = "", behind = ""] = pattern.split("*");
  return name.startsWith(before) && name.endsWith(behind) && !(isCautious && sensitive.test(name));
}

function defined(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
