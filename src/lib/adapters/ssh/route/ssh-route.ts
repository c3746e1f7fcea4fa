import type { HostConfig } from "../../../config/schema/config.ts";
import { parseJump } from "../../../config/jump.ts";
import { ColdtivateError } from "../../../errors.ts";
import { defaultKnownHosts } from "../trust/known-hosts.ts";
import type { HostAccess } from "./ssh-access.ts";
import type { Endpoint } from "../trust/ssh-endpoint.ts";
import { askSsh, type SshConfig } from "./ssh-config.ts";
import { configFiles, scanConfig, type ConfigFiles } from "./ssh-config-scan.ts";
import { expandPath, expandTokens, ownName, splitPaths, type TokenFacts } from "./ssh-config-tokens.ts";
import { fewestRsaBits } from "../keys/ssh-public-key.ts";
import { Provenance } from "./ssh-provenance.ts";

/** The way to a host. */
export interface Route {
  /** Jump hosts, in order. */
  hops: readonly Endpoint[];
  target: Endpoint;
}

export interface RouteOptions extends HostAccess {
  /** Used instead of the user's and the system's files. */
  files?: ConfigFiles;
  /** Used instead of the user's and the system's files. */
  knownHostsFiles?: readonly string[];
}

/** A way with more hosts than this is a circle. */
const mostHops = 16;

const defaultKeys = ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"];

/**
 * Finds the way to a host. Values in coldtivate.yml win, then those in ssh_config, as OpenSSH reads it.
 * @throws ColdtivateError SSH_CONFIG_INVALID, SSH_CONFIG_NOT_TRUSTED, SSH_USER_MISSING
 */
export async function findRoute(host: HostConfig, options: RouteOptions = {}): Promise<Route> {
  return follow(host, options, []);
}

async function follow(host: HostConfig, options: RouteOptions, trail: readonly string[]): Promise<Route> {
  const place = [host.user ?? "", host.host.toLowerCase(), host.port ?? ""].join(" ");
  if (trail.includes(place) || trail.length > mostHops) throw circle(host.host);
  const { endpoint, jump } = await resolve(host, options);
  const [first, ...others] = jump;
  if (first === undefined) return { hops: [], target: endpoint };
  // As with ssh -J: the first host's own settings decide how it is reached. Each of the others is reached from the one before.
  const { hops, target } = await follow(first, options, [...trail, place]);
  const rest = await Promise.all(others.map(async (hop) => (await resolve(hop, options)).endpoint));
  const { proxyCommand: _replaced, ...last } = endpoint;
  return { hops: [...hops, target, ...rest.map(({ proxyCommand: _unused, ...hop }) => hop)], target: last };
}

async function resolve(host: HostConfig, options: RouteOptions): Promise<{ endpoint: Endpoint; jump: HostConfig[] }> {
  const config = await readConfig(host, options);
  const origin = new Provenance(host.host, config, options.explain && (() => askSsh({ ...host, ...signalOf(options) }, "none")));
  const value = (keyword: string) => config?.get(keyword)?.[0];
  const values = (keyword: string) => config?.get(keyword) ?? [];

  const user = host.user ?? value("user") ?? guessUser(host, options);
  const port = host.port ?? Number(value("port") ?? 22);
  const address = (value("hostname") ?? host.host).replace(/^\[(.*)\]$/, "$1");
  const alias = value("hostkeyalias");
  const written = value("proxyjump");
  const jump = host.jump ?? hopsOf(written, host);
  const facts: TokenFacts = { name: host.host, host: address, port, user, alias, jump: written };
  const proxyCommand = jump.length > 0 || host.jump !== undefined ? undefined : commandOf(value("proxycommand"));
  if (proxyCommand !== undefined) refuseUntrusted(host, options, [`ProxyCommand ${proxyCommand}`]);
  if (proxyCommand !== undefined && value("proxyusefdpass") === "yes") throw unsupported(host.host, "ProxyUseFdpass");

  tellOfUnsupported(host, options, value);
  const paths = (keyword: string) => values(keyword).filter((path) => path !== "none");
  const knownHosts = [...values("userknownhostsfile"), ...values("globalknownhostsfile")].flatMap(splitPaths);
  const agent = agentOf(value("identityagent"), facts);
  const defaults = config === undefined ? defaultKeys.map((name) => `~/.ssh/${name}`) : [];
  const endpoint: Endpoint = {
    name: host.host,
    host: address,
    port,
    user,
    login: {
      ...(host.privateKey === undefined ? {} : { privateKey: host.privateKey }),
      files: [...defaults, ...paths("identityfile")].map((path) => expandPath(path, facts)),
      certificates: paths("certificatefile").map((path) => expandPath(path, facts)),
      isOnly: value("identitiesonly") === "yes",
      ...(agent === undefined ? {} : { agent }),
    },
    trust: {
      ...(host.fingerprint === undefined ? {} : { fingerprint: host.fingerprint }),
      ...(host.knownHosts === undefined ? {} : { knownHosts: host.knownHosts }),
      files:
        options.knownHostsFiles ??
        (config === undefined ? defaultKnownHosts() : knownHosts.filter((path) => path !== "none").map((path) => expandPath(path, facts))),
      ...(alias === undefined ? {} : { alias }),
      ...(paths("revokedhostkeys").length === 0 ? {} : { revoked: expandPath(paths("revokedhostkeys")[0]!, facts) }),
    },
    ...(proxyCommand === undefined ? {} : { proxyCommand: expandTokens(proxyCommand, facts) }),
  };
  for (const line of await origin.describe(host, endpoint, jump)) options.explain?.(line);
  return { endpoint, jump };
}

/** The settings of ssh_config that coldtivate.yml already decides for a host. */
function decidedBy({ port, user, privateKey, jump }: HostConfig): ReadonlySet<string> {
  return new Set([
    ...(port === undefined ? [] : ["port"]),
    ...(user === undefined ? [] : ["user"]),
    ...(privateKey === undefined ? [] : ["identityfile", "identityfile2", "identitiesonly", "identityagent", "pkcs11provider"]),
    ...(jump === undefined ? [] : ["proxyjump", "proxycommand", "proxyusefdpass"]),
  ]);
}

/** The settings of ssh_config for a host; undefined if nothing in it could matter, or if it must not be read. */
async function readConfig(host: HostConfig, options: RouteOptions): Promise<SshConfig | undefined> {
  if (host.sshConfig === "ignore") return undefined;
  const files = options.files ?? configFiles();
  const { mayMatter, mayNameUser, programs } = await scanConfig(host.host, files, decidedBy(host));
  if (!mayMatter) return undefined;
  refuseUntrusted(host, options, programs);
  const found = await askSsh({ host: host.host, port: host.port, user: host.user, ...signalOf(options) }, files);
  if (found === undefined)
    options.warn?.(
      `${host.host}: ssh_config may have settings for it, and there is no ssh program to read them with: only coldtivate.yml counts (Debian, Alpine: install openssh-client)`,
    );
  // For a user that nobody named, OpenSSH prints our own name.
  return found && !mayNameUser && host.user === undefined ? new Map([...found].filter(([keyword]) => keyword !== "user")) : found;
}

function signalOf({ signal }: RouteOptions): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

/** Programs that ssh_config names run for a person at a terminal. A job needs permission. */
function refuseUntrusted({ host, sshConfig }: HostConfig, { askSecret }: RouteOptions, programs: readonly string[]): void {
  if (programs.length === 0 || sshConfig === "trust" || askSecret !== undefined) return;
  throw new ColdtivateError(`${host}: ssh_config would run programs, and nobody is at a terminal`, {
    code: "SSH_CONFIG_NOT_TRUSTED",
    exit: "refused",
    details: programs.map((program) => (program.startsWith("ProxyCommand") ? program : `Match exec, or what cannot be judged: ${program}`)),
    hint: "Nothing was run and nothing was sent. In coldtivate.yml, ssh_config: trust lets them run, and ssh_config: ignore leaves that file out; jump: names hosts to go through.",
  });
}

/** OpenSSH uses the user's own name. In a job nobody means that. */
function guessUser({ host }: HostConfig, { askSecret }: RouteOptions): string {
  if (askSecret !== undefined) return ownName();
  throw new ColdtivateError(`${host}: there is no user to log in as`, {
    code: "SSH_USER_MISSING",
    exit: "usage",
    hint: "Set user in coldtivate.yml, for the environment or the host, or User in ssh_config.",
  });
}

function hopsOf(written: string | undefined, { sshConfig }: HostConfig): HostConfig[] {
  if (written === undefined || written === "none") return [];
  return written.split(",").map((hop) => ({ ...parseJump(hop), ...(sshConfig === undefined ? {} : { sshConfig }) }));
}

function commandOf(written: string | undefined): string | undefined {
  return written === undefined || written === "none" ? undefined : written;
}

/** See IdentityAgent in ssh_config(5). */
function agentOf(written: string | undefined, facts: TokenFacts): string | undefined {
  if (written === "none") return undefined;
  const variable = written === undefined ? "SSH_AUTH_SOCK" : /^(SSH_AUTH_SOCK)$|^\$(\w+)$/.exec(written)?.slice(1).find(Boolean);
  const path = variable === undefined ? expandPath(written!, facts) : process.env[variable];
  return path === "" ? undefined : path;
}

/**
 * Warns about settings of ssh_config that coldtivate does not support. Refuses those without which it would trust a wrong host key.
 * @throws ColdtivateError SSH_CONFIG_INVALID
 */
function tellOfUnsupported(host: HostConfig, { warn }: RouteOptions, value: (keyword: string) => string | undefined): void {
  const isSet = (keyword: string) => ![undefined, "", "none"].includes(value(keyword));
  if (isSet("knownhostscommand")) {
    if (host.fingerprint === undefined && host.knownHosts === undefined) {
      const hint = "Nothing was sent to it. Give its fingerprint or known_hosts in coldtivate.yml: then that counts.";
      throw unsupported(host.host, "KnownHostsCommand", hint);
    }
    warn?.(`${host.host}: KnownHostsCommand of ssh_config is not run: what coldtivate.yml says of the host's key counts`);
  }
  if (isSet("pkcs11provider") && host.privateKey === undefined) {
    const provider = value("pkcs11provider");
    warn?.(`${host.host}: keys of PKCS11Provider in ssh_config are used through an ssh-agent alone: ssh-add -s ${provider}`);
  }
  const bits = Number(value("requiredrsasize") ?? 0);
  if (bits > fewestRsaBits)
    warn?.(`${host.host}: RequiredRSASize ${bits} of ssh_config is not followed: from ${fewestRsaBits} bits on, RSA is taken`);
}

function circle(host: string): ColdtivateError {
  return new ColdtivateError(`${host}: ProxyJump leads through it in a circle`, {
    code: "SSH_CONFIG_INVALID",
    exit: "refused",
    hint: `Nothing was sent to it. Give the host to go through ProxyJump none in ssh_config, before what says Host *.`,
  });
}

const passBytesOn = "Nothing was sent to it. Let ProxyCommand pass bytes on (nc -X … %h %p), or use ProxyJump.";

function unsupported(host: string, keyword: string, hint = passBytesOn): ColdtivateError {
  return new ColdtivateError(`${host}: ssh_config asks for ${keyword}, which coldtivate does not support`, {
    code: "SSH_CONFIG_INVALID",
    exit: "refused",
    hint,
  });
}
