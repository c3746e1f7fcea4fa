import { startBake, type StartedBake } from "../../adapters/buildkit/bake.ts";
import { inspectBuilder, type Builder } from "../../adapters/buildkit/buildkit.ts";
import type { Config } from "../../config/schema/config.ts";
import { forwardsAgent } from "../../images/build-plan.ts";
import { markHandled } from "../../common/mark-handled.ts";
import type { BuildAccess } from "./build-access.ts";

/** What a build starts before it knows which images it makes. */
export interface EarlyStart extends AsyncDisposable {
  /** Call it as soon as one image has to be built. */
  begin(): void;
  /** The properties of the builder. */
  builder(): Promise<Builder>;
  /** A bake that will push; absent if none was started. */
  bake(): Promise<StartedBake | undefined>;
}

export interface EarlyOptions {
  output: "load" | "push";
  /** Name of a buildx builder. Defaults to the selected one. */
  builder?: string | undefined;
  access: BuildAccess;
  signal: AbortSignal;
}

/** Starts nothing yet. A bake that nobody used ends on disposal. */
export function startEarly(config: Config, options: EarlyOptions): EarlyStart {
  const { output, builder: name, signal } = options;
  let inspecting: Promise<Builder> | undefined;
  let starting: Promise<StartedBake> | undefined;
  return {
    begin() {
      // A hook may create or select the builder first.
      if (config.hooks.client["before_build"] !== undefined || inspecting) return;
      inspecting = markHandled(inspectBuilder(signal, name));
      if (output === "push") starting = markHandled(startEmptyBake(config, options));
    },
    builder: () => inspecting ?? inspectBuilder(signal, name),
    bake: async () => starting,
    async [Symbol.asyncDispose]() {
      await (await starting?.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}

async function startEmptyBake({ directory, build }: Config, { access, builder, output, signal }: EarlyOptions): Promise<StartedBake> {
  const env = { ...access.sshEnv, ...(await access.noteLogin()) };
  const wanted = { ssh: forwardsAgent(build), provenance: build.provenance !== undefined };
  return startBake({ directory, privateDirectory: access.directory.path, output, env, builder, ...wanted, signal });
}
