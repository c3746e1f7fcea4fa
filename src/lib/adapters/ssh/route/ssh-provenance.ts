import type { HostConfig } from "../../../config/schema/config.ts";
import type { SshConfig } from "./ssh-config.ts";
import type { Endpoint } from "../trust/ssh-endpoint.ts";

/** Knows where each value of a connection came from. */
export class Provenance {
  readonly #name: string;
  readonly #config: SshConfig | undefined;
  readonly #askDefaults: (() => Promise<SshConfig | undefined>) | undefined;

  /** @param askDefaults what OpenSSH does without its files; absent if nobody wants to know */
  constructor(name: string, config: SshConfig | undefined, askDefaults: (() => Promise<SshConfig | undefined>) | undefined) {
    this.#name = name;
    this.#config = config;
    this.#askDefaults = askDefaults;
  }

  /** One line per value: what it is and where it came from. Empty if nobody wants to know. */
  async describe(
    host: HostConfig,
    { host: address, port, user, login, trust, proxyCommand }: Endpoint,
    jump: readonly HostConfig[],
  ): Promise<string[]> {
    if (this.#askDefaults === undefined) return [];
    const defaults = this.#config === undefined ? undefined : await this.#askDefaults();
    const from = (isOurs: boolean, keyword: string) => {
      if (isOurs) return "coldtivate.yml";
      const said = this.#config?.get(keyword)?.join("\n");
      return said === undefined || said === defaults?.get(keyword)?.join("\n") ? "default" : "ssh_config";
    };
    const isPinned = host.fingerprint !== undefined;
    const ownFiles = host.knownHosts === undefined ? trust.files.join(", ") : "those of known_hosts";
    const lines = [
      this.#config === undefined
        ? host.sshConfig === "ignore"
          ? "ssh_config is not read"
          : "nothing in ssh_config counts for it"
        : undefined,
      `host name ${address}, from ${address === host.host.replaceAll(/[[\]]/g, "") ? "coldtivate.yml" : "ssh_config"}`,
      `port ${port}, from ${from(host.port !== undefined, "port")}`,
      `user ${user}, from ${from(host.user !== undefined, "user")}`,
      host.privateKey === undefined
        ? `keys ${login.files.join(", ") || "none"}, from ${from(false, "identityfile")}${login.isOnly ? "; no others (IdentitiesOnly, from ssh_config)" : ""}`
        : "key private_key, from coldtivate.yml",
      login.certificates.length > 0 ? `certificates ${login.certificates.join(", ")}, from ssh_config` : undefined,
      host.privateKey === undefined ? `agent ${login.agent ?? "none"}, from ${from(false, "identityagent")}` : undefined,
      isPinned
        ? `host key ${host.fingerprint}, from coldtivate.yml`
        : `host keys in ${ownFiles}, from ${from(host.knownHosts !== undefined, "userknownhostsfile")}`,
      trust.alias === undefined ? undefined : `known there as ${trust.alias}, from ssh_config`,
      jump.length > 0 ? `through ${jump.map((hop) => hop.host).join(", ")}, from ${from(host.jump !== undefined, "proxyjump")}` : undefined,
      proxyCommand === undefined ? undefined : `through the command ${proxyCommand}, from ssh_config`,
    ];
    return lines.filter((line) => line !== undefined).map((line) => `${this.#name}: ${line}`);
  }
}
