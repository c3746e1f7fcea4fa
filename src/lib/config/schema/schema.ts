import * as z from "zod";
import { duration, flag, named, number, port, secret, secrets as secretList, text, textLike } from "./fields.ts";
import { hooks } from "./hook-schema.ts";
import { front, service } from "./service-schema.ts";

const composeName = /^[a-z0-9][a-z0-9_-]*$/;
const composeNameRule = "a name has lower-case letters, digits, - and _, and starts with a letter or digit";
const plainName = /^[a-z0-9][a-z0-9._-]*$/;
const plainNameRule = "a name has lower-case letters, digits, ., - and _, and starts with a letter or digit";
const imageName = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*$/;
const imageNameRule = "an image's name has lower-case letters and digits, with single ., - or _ between them";
const registryName = /^(?:[A-Za-z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*$/;
const registryRule =
  "expected a registry and a path, in lower case, such as registry.example.com/group/backend: no https://, no tag, no / at the end";

const list = <Item extends z.ZodType>(item: Item, description: string) => z.array(item).describe(description);

const args = named(
  /^[A-Za-z_]\w*$/,
  "a build argument's name has letters, digits and _",
  z.union([z.string(), z.number(), z.boolean()], { error: "expected text, a number, true or false" }).transform(String),
);
const secrets = named(/^[A-Za-z0-9._-]+$/, "a secret's id has letters, digits, ., - and _", secret("A BuildKit secret."));
const compose = text("A Compose file, relative to this file.");
const hostName = textLike(
  /^[A-Za-z0-9_[][A-Za-z0-9._:[\]-]*$/,
  "expected a host name or an address (the user and the port have keys of their own)",
  "Name or address of the server.",
);
const fingerprint = textLike(
  /^SHA256:[A-Za-z0-9+/]{43}=?$/,
  "expected the SHA256:… that ssh-keygen -lf prints for the server's host key",
  "The server's host key, as `ssh-keygen -lf` prints it; without it known_hosts decides.",
);

const endpoint = {
  port: port("SSH port; unless said otherwise ssh_config's, or 22.").optional(),
  user: text("Who to log in as; must be able to use Docker. Unless said otherwise ssh_config's, or your own name.").optional(),
  private_key: secret(
    "The private key, as a path or as its content; without it ssh_config, the ssh-agent and the default keys count.",
  ).optional(),
  fingerprint: fingerprint.optional(),
  known_hosts: text("A known_hosts file of its own, as a path or as its content, instead of the user's.").optional(),
};
const jumpText = textLike(
  /^(?:[^@\s:/]+@)?(?:[A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.%]+\])(?::\d{1,5})?$/,
  "expected a host to go through, as in bastion.example.com or deploy@bastion.example.com:2222, or none",
  "A host to go through, as ProxyJump has it: `user@host:port`.",
);
const jumpHost = z.union([jumpText, z.strictObject({ host: hostName, ...endpoint })], {
  error: "expected a host to go through, as in deploy@bastion.example.com:2222, or a mapping with host",
});
const connection = {
  ...endpoint,
  jump: z
    .union([jumpHost, z.array(jumpHost).min(1, { error: "must not be empty" })], {
      error: "expected a host to go through, as in deploy@bastion.example.com:2222, or a list of them",
    })
    .describe("The hosts to go through, the first one first; none: directly, whatever ssh_config says.")
    .optional(),
  ssh_config: z
    .enum(["trust", "ignore"], { error: "expected trust or ignore" })
    .describe(
      "trust: programs that ssh_config names (Match exec, ProxyCommand) may run without a terminal, too; ignore: ssh_config is not read.",
    )
    .optional(),
};

const registry = z
  .strictObject({
    image: textLike(registryName, registryRule, "What every image's name starts with, such as registry.example.com/group/backend."),
    username: text("User of the registry; without username and password your own Docker login counts.").optional(),
    password: secret("Password or token of the registry.").optional(),
    insecure: flag("Speak plain HTTP to the registry; for a sandbox.").optional(),
  })
  .describe("Where images are pushed to and pulled from; left out, it is CI_REGISTRY_IMAGE, CI_REGISTRY_USER and CI_REGISTRY_PASSWORD.");

const build = z
  .strictObject({
    cache: textLike(
      /^\w[\w.-]{0,127}$/,
      "expected a tag, such as buildcache",
      "Tag of the registry cache, one an image; without it there is none.",
    ).optional(),
    submodules: flag("Fetch the pinned commits of Git submodules, recursively; true unless said otherwise.").optional(),
    ssh: flag("Forward your ssh-agent to the build.").optional(),
    ssh_key: secret("A private key, as a path or as its content, for submodules and for an agent of the build's own.").optional(),
    args: args.describe("Build arguments of every image.").optional(),
    secrets: secrets.describe("BuildKit secrets of every image, by id.").optional(),
    platforms: list(
      textLike(/^[a-z0-9]+\/[a-z0-9]+(?:\/[a-z0-9]+)?$/, "expected a platform such as linux/amd64", "A platform."),
      "Platforms to build for.",
    ).optional(),
    provenance: z
      .union([z.enum(["min", "max"]), flag("Yes or no.")], { error: "expected true, false, min or max" })
      .describe(
        "Attach to each image how it was built (SLSA provenance): min, which true means, or max, with build arguments and Dockerfile.",
      )
      .optional(),
    sbom: z
      .union([flag("Yes or no."), text("The image of a generator.")], { error: "expected true, false or the image of a generator" })
      .describe("Attach to each image a list of what is in it (SBOM), made by BuildKit's own generator or by the one named.")
      .optional(),
  })
  .describe("How images are built.");

const content = z
  .strictObject({
    ttl: duration(
      "How old an image may be and still stand for its content; then it is built again without a cache. Forever unless said otherwise.",
    ).optional(),
  })
  .describe("How long an image with the same content is not built again.");

const image = z
  .strictObject({
    context: text("The folder that is sent to the build, relative to this file."),
    dockerfile: text("The Dockerfile, relative to the context; `Dockerfile` unless said otherwise.").optional(),
    target: text("The stage of the Dockerfile to build.").optional(),
    contexts: named(
      /^[a-z0-9]\S*$/,
      "a context's name has no spaces, and starts with a lower-case letter or digit",
      text("A folder, relative to this file, or an image such as docker-image://alpine:3."),
    )
      .describe("Additional contexts, by the name that the Dockerfile uses in FROM, COPY --from or RUN --mount.")
      .optional(),
    args: args.describe("Build arguments of this image.").optional(),
    secrets: secrets.describe("BuildKit secrets of this image, by id.").optional(),
    services: list(
      text("A Compose service."),
      "The Compose services that run it, where the Compose files do not say so themselves.",
    ).optional(),
  })
  .describe("An image that the project builds.");

const task = z
  .strictObject({
    name: textLike(plainName, plainNameRule, "What the task is called."),
    service: text("The Compose service whose image and settings it runs with."),
    run: z.array(z.string()).min(1, { error: "must not be empty" }).describe("The command, as a list of arguments."),
    timeout: duration("How long it may take; 10m unless said otherwise.").optional(),
    undo: z
      .array(z.string())
      .min(1, { error: "must not be empty" })
      .describe("The command that takes it back when the release is undone, as a list of arguments.")
      .optional(),
    when: z
      .enum(["changed", "always"])
      .describe("changed: not if its image, command, environment and mounts are those of its last run; always: in each deploy.")
      .optional(),
  })
  .describe("A command that runs once in a deploy, before the services are replaced.");

const environment = z
  .strictObject({
    branches: list(text("A branch, * stands for anything."), "Branches whose commits may be deployed.").optional(),
    tags: list(text("A tag, * stands for anything."), "Tags that may be deployed.").optional(),
    confirm: flag("Ask before a deploy; without a terminal --yes is needed.").optional(),
    host: hostName.optional(),
    hosts: list(
      z.union([hostName, z.strictObject({ host: hostName, ...connection })]),
      "The servers, where there are several or each has settings of its own.",
    ).optional(),
    ...connection,
    dotenv: secretList(
      "The dotenv of the services, as a path or as its content; or a list of several, of which a later one wins.",
    ).optional(),
    compose: z
      .array(compose)
      .min(1, { error: "must not be empty" })
      .describe("The Compose files; unless said otherwise those that Compose finds by their names, and compose.ENVIRONMENT.yaml.")
      .optional(),
  })
  .describe("A place to deploy to.");

/** coldtivate.yml after variables are filled in. */
export const schema = z
  .strictObject({
    project: textLike(composeName, composeNameRule, "Name of the project; PROJECT-ENVIRONMENT is the Compose project's name."),
    registry: registry.optional(),
    build: build.optional(),
    content: content.optional(),
    images: named(imageName, imageNameRule, image).describe("The images that the project builds, by name."),
    services: z.record(z.string(), service).describe("Compose services that need settings, by name.").optional(),
    compose_variables: list(
      textLike(/^[A-Za-z_]\w*$/, "expected the name of a variable", "The name of a variable."),
      "Variables of whoever deploys that Compose files may interpolate, beside the dotenv's and those that say which commit is deployed, and where.",
    ).optional(),
    front: front.optional(),
    tasks: list(task, "What runs once in a deploy, in this order.").optional(),
    irreversible: flag("Nobody rolls back past the releases that are made while this is true.").optional(),
    keep_releases: number(
      "a number",
      100,
      "How many releases the hosts keep to go back to, images included; 5 unless said otherwise.",
    ).optional(),
    hooks: hooks.optional(),
    webhook: secret("The address of a chat's incoming webhook, which is told how each deploy and rollback ended.").optional(),
    environments: named(composeName, composeNameRule, environment).describe("Where to deploy to, by name."),
  })
  .describe("Configuration of coldtivate.");

export type Written = z.output<typeof schema>;
export type WrittenEnvironment = Written["environments"][string];
