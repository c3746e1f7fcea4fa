import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { openRepository } from "../lib/adapters/git/git.ts";
import { openRegistry } from "../lib/adapters/registry/registry.ts";
import { BaseCommand } from "../lib/base-command.ts";
import { observeInputs } from "../lib/builds/observe/prepare-build.ts";
import { pushImages } from "../lib/builds/push/push-images.ts";
import { formatPush } from "../lib/builds/push/push-table.ts";
import { readCi } from "../lib/config/values/ci.ts";
import { loadConfig } from "../lib/config/load.ts";
import { describeCheckout } from "../lib/git/revision.ts";
import { selectImages } from "../lib/images/image-selection.ts";
import { refuseDirty } from "../lib/content/image-state.ts";

export default class Push extends BaseCommand {
  static override summary = "Put built images into the registry.";
  static override description =
    "Gives what the registry has with the same content the tags of the commit that is checked out, and pushes the rest: what coldtivate build left in the local engine for that commit.";
  static override examples = ["<%= config.bin %> push", "<%= config.bin %> push gateway base-api"];
  static override args = { image: Args.string({ multiple: true, description: "Images of coldtivate.yml; all of them unless named" }) };
  static override flags = { force: Flags.boolean({ description: "Push what the local engine has, whatever the registry has" }) };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Push);
    const { reporter, signal } = this;
    const config = await loadConfig(flags.config, { env: process.env, needs: ["build"], signal });
    const images = selectImages(config, args.image ?? []);
    const repository = await openRepository(config.directory);
    const revision = await describeCheckout({ ci: readCi(process.env) }, repository);
    const checkout = { revision, ...(await observeInputs(images, revision.commit, repository)) };
    refuseDirty(checkout.states, "pushed");

    using registry = openRegistry(config.registry, { signal });
    const { images: pushed, present } = await pushImages(config, images, checkout, { force: flags.force, registry, reporter, signal });
    this.show(formatPush(config.registry.image, pushed, present));
    return { revision, images: pushed, present };
  }
}
