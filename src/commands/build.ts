import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { openRepository } from "../lib/adapters/git/git.ts";
import { openRegistry } from "../lib/adapters/registry/registry.ts";
import { BaseCommand } from "../lib/base-command.ts";
import { prefetchRegistry } from "../lib/builds/observe/prefetch-registry.ts";
import { openAccess } from "../lib/builds/run/build-access.ts";
import { buildImages, type BuildRequest } from "../lib/builds/build-images.ts";
import { formatBuild } from "../lib/builds/build-table.ts";
import { observeCheckout } from "../lib/builds/observe/prepare-build.ts";
import { readCi } from "../lib/config/values/ci.ts";
import { loadConfig } from "../lib/config/load.ts";
import { whoDeploys } from "../lib/environment/who.ts";
import { describeCheckout } from "../lib/git/revision.ts";
import { buildHookEvent } from "../lib/hooks/hook-events.ts";
import { runWithHooks } from "../lib/hooks/run-with-hooks.ts";
import { selectImages } from "../lib/images/image-selection.ts";
import { refuseDirty } from "../lib/content/image-state.ts";
import { markHandled } from "../lib/common/mark-handled.ts";

export default class Build extends BaseCommand {
  static override summary = "Build images with BuildKit.";
  static override description =
    "Builds what is checked out, as far as the registry does not have it with the same content, all images side by side, under the tags of its branch or tag and of its commit. A context with files that are not committed gets the tag dirty.";
  static override examples = [
    "<%= config.bin %> build",
    "<%= config.bin %> build gateway base-api",
    "<%= config.bin %> build --push",
    "<%= config.bin %> build --explain",
  ];
  static override args = { image: Args.string({ multiple: true, description: "Images of coldtivate.yml; all of them unless named" }) };
  static override flags = {
    push: Flags.boolean({ description: "Put the images and their layer caches into the registry" }),
    explain: Flags.boolean({ description: "Say why each image is built or not" }),
    force: Flags.boolean({ description: "Build all of them, whatever the registry has" }),
    "no-cache": Flags.boolean({ description: "Run every step anew; --force included" }),
    concurrency: Flags.integer({
      description: "How many images are built at once; four a processor, but 16 to 64, unless said otherwise",
      min: 1,
      helpValue: "N",
    }),
    builder: Flags.string({ description: "A builder of docker buildx, instead of the chosen one", helpValue: "NAME" }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Build);
    const { reporter, signal } = this;
    const config = await loadConfig(flags.config, { env: process.env, needs: ["build"], signal });
    const images = selectImages(config, args.image ?? []);
    const repository = await openRepository(config.directory);
    const ci = readCi(process.env);
    const revision = await describeCheckout({ ci }, repository);

    using registry = openRegistry(config.registry, { signal });
    await using access = await openAccess(config, reporter, signal);
    const options = { revision, sshEnv: access.sshEnv, reporter, signal };
    const observing = markHandled(observeCheckout(config, images, repository, options));
    const force = flags.force || flags["no-cache"];
    const asked = prefetchRegistry(config, images, { revision, registry, pushes: flags.push, force });
    const checkout = await observing;
    if (flags.push) refuseDirty(checkout.states, "pushed");

    const around: BuildRequest["around"] = (changed, work) =>
      runWithHooks(buildHookEvent(revision, changed, whoDeploys(ci)), { config, reporter, signal }, work);
    const wishes = { ...flags, output: flags.push ? "push" : "load", noCache: flags["no-cache"] } as const;
    const tools = { access, registry, asked, repository, reporter, signal };
    const built = await buildImages(config, images, checkout, { ...wishes, around, ...tools });
    this.show(formatBuild(config.registry.image, built));
    return { revision, pushed: flags.push, images: built };
  }
}
