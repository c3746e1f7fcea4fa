import * as Args from "@oclif/core/args";
import { BaseCommand } from "../lib/base-command.ts";
import { loadConfig } from "../lib/config/load.ts";
import { connectReachable } from "../lib/environment/connect-hosts.ts";
import { projectOf } from "../lib/deploy/prepare/intent.ts";
import { recoverHosts } from "../lib/environment/recover.ts";
import { describeRecovery } from "../lib/environment/recover-outcome.ts";

export default class Recover extends BaseCommand {
  static override summary = "Make an environment whole after a crash.";
  static override description =
    "On each host, finishes or undoes what was interrupted; then brings hosts that serve an older release to the newest that any of them serves. Says what each one serves.";
  static override examples = ["<%= config.bin %> recover production"];
  static override args = { environment: Args.string({ required: true, description: "One of coldtivate.yml's environments" }) };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Recover);
    const { reporter, signal } = this;
    const config = await loadConfig(flags.config, { env: process.env, environment: args.environment, needs: ["hosts"], signal });
    const environment = config.environments[args.environment]!;
    await using reached = await connectReachable(environment.hosts, this.access);
    const { connections, errors } = reached;
    if (connections.length === 0) throw errors[0];
    const hosts = await recoverHosts({ project: projectOf(config, environment), connections, reporter, signal });
    this.show(describeRecovery(environment.name, hosts, errors));
    return { environment: environment.name, hosts: hosts.map(({ host, current, settled }) => ({ host, current, settled })) };
  }
}
