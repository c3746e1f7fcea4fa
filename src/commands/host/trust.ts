import * as Args from "@oclif/core/args";
import { BaseCommand } from "../../lib/base-command.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { trustHosts } from "../../lib/environment/trust-hosts.ts";

export default class HostTrust extends BaseCommand {
  static override summary = "Show the keys of an environment's hosts, and trust them.";
  static override description =
    "Shows all fingerprints of each host, and of those on the way to it, with what to compare them with; after a yes, adds the keys to known_hosts. Nothing is trusted without one.";
  static override examples = ["<%= config.bin %> host trust production"];
  static override args = { environment: Args.string({ required: true, description: "One of coldtivate.yml's environments" }) };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(HostTrust);
    const { signal } = this;
    const config = await loadConfig(flags.config, { env: process.env, environment: args.environment, needs: ["hosts"], signal });
    const { name, hosts } = config.environments[args.environment]!;
    const trusted = await trustHosts(hosts, {
      access: this.access,
      announce: (text) => this.announceAnew(text),
      confirm: (question) => this.confirm(question, false),
    });
    this.show(trusted.map(({ host, stored, file }) => describe(host, stored, file)).join("\n"));
    return { environment: name, hosts: trusted };
  }
}

function describe(host: string, stored: number, file: string): string {
  return stored === 0 ? `${host}: nothing to add` : `${host}: ${stored === 1 ? "1 key" : `${stored} keys`} added to ${file}`;
}
