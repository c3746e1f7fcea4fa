import * as Args from "@oclif/core/args";
import { BaseCommand } from "../lib/base-command.ts";
import { openEnvironment } from "../lib/environment/open-environment.ts";
import { formatStatus } from "../lib/environment/format-status.ts";
import { areAlike } from "../lib/environment/host-status.ts";
import { readStatus } from "../lib/environment/read-status.ts";

export default class Status extends BaseCommand {
  static override summary = "Show what an environment runs.";
  static override description =
    "Which release serves on each host and since when, and every service's container, its health and its image. Exit code 5 when hosts serve different releases.";
  static override examples = ["<%= config.bin %> status production", "<%= config.bin %> status staging --json"];
  static override args = { environment: Args.string({ required: true, description: "One of coldtivate.yml's environments" }) };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Status);
    await using environment = await openEnvironment(flags.config, args.environment, this.access);
    const { name, project, connections } = environment;
    const statuses = await Promise.all(connections.map((connection) => readStatus(connection, project, this.signal)));
    this.show(formatStatus(name, statuses, new Date()));
    if (!areAlike(statuses)) this.endWith("mixed");
    return { environment: name, hosts: statuses };
  }
}
