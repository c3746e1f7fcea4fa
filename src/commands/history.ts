import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { BaseCommand } from "../lib/base-command.ts";
import { openEnvironment } from "../lib/environment/open-environment.ts";
import { formatHistory } from "../lib/environment/format-history.ts";
import { readHistory } from "../lib/environment/read-history.ts";

export default class History extends BaseCommand {
  static override summary = "Show what was deployed to an environment.";
  static override description =
    "Every deploy, newest first: release, commit, who, from where, when, how long, what it changed and how it ended. The one that serves has a star.";
  static override examples = ["<%= config.bin %> history production", "<%= config.bin %> history staging --limit 3 --json"];
  static override args = { environment: Args.string({ required: true, description: "One of coldtivate.yml's environments" }) };
  static override flags = { limit: Flags.integer({ description: "The newest so many", default: 20, min: 1, helpValue: "NUMBER" }) };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(History);
    await using environment = await openEnvironment(flags.config, args.environment, this.access);
    const { name, project, connections } = environment;
    const histories = await Promise.all(connections.map((connection) => readHistory(connection, project, flags.limit, this.signal)));
    this.show(formatHistory(name, histories));
    return { environment: name, hosts: histories };
  }
}
