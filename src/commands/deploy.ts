import * as Flags from "@oclif/core/flags";
import { describeOutcome } from "../lib/deploy/apply/outcome.ts";
import { readDotenv } from "../lib/deploy/prepare/commit/release-dotenv.ts";
import { chooseRevision } from "../lib/git/revision.ts";
import { ReleaseCommand } from "../lib/release-command.ts";

export default class Deploy extends ReleaseCommand {
  static override summary = "Release a commit to an environment.";
  static override description =
    "Takes the images of the commit from the registry, by digest, and its Compose files from Git; replaces what changed, and leaves the rest alone.";
  static override examples = [
    "<%= config.bin %> deploy staging",
    "<%= config.bin %> deploy production --tag v1.2.0",
    "<%= config.bin %> deploy production --tag v1.2.0 --dry-run",
  ];
  static override args = { environment: ReleaseCommand.environmentArg };
  static override flags = {
    tag: Flags.string({ description: "The tag to release", helpValue: "TAG", exclusive: ["ref"] }),
    ref: Flags.string({ description: "The branch or commit to release", helpValue: "REF" }),
    "allow-older": Flags.boolean({ description: "Release the commit although a newer one serves" }),
    irreversible: Flags.boolean({ description: "Declare that nobody rolls back past this release" }),
    ...ReleaseCommand.dataFlags,
    ...ReleaseCommand.planFlags,
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Deploy);
    return this.release({
      environment: args.environment,
      flags,
      needs: ["registry", "hosts", "dotenv", "hooks"],
      question: `Deploy this to ${args.environment}?`,
      again: () => [],
      describe: describeOutcome,
      request: async ({ config, environment, ci, repository }) => {
        const [dotenv, opened] = await Promise.all([readDotenv(config, environment), repository()]);
        return {
          action: "deploy",
          revision: await chooseRevision({ tag: flags.tag, ref: flags.ref, ci }, environment, opened),
          allowsOlder: flags["allow-older"],
          isIrreversible: flags.irreversible,
          dotenv,
          env: process.env,
        };
      },
    });
  }
}
