import { openCommit } from "../../../src/lib/adapters/git/git-commit.ts";
import { openRepository } from "../../../src/lib/adapters/git/git.ts";
import { findConfiguredKeys } from "../../../src/lib/adapters/ssh/trust/known-hosts.ts";
import { parseImageManifest, parseTags } from "../../../src/lib/adapters/registry/registry-manifest.ts";
import { readCi } from "../../../src/lib/config/values/ci.ts";
import { loadConfig } from "../../../src/lib/config/load.ts";
import { keyFault, normaliseKey } from "../../../src/lib/secrets/private-key.ts";
import { compareSettings } from "../../../src/lib/deploy/prepare/commit/compare-settings.ts";
import { readCompose } from "../../../src/lib/deploy/prepare/commit/read-compose.ts";
import { readDotenv } from "../../../src/lib/deploy/prepare/commit/release-dotenv.ts";
import { refuseSources } from "../../../src/lib/deploy/prepare/commit/source-faults.ts";
import { chooseRevision, describeCheckout } from "../../../src/lib/git/revision.ts";
import { findBaseImages } from "../../../src/lib/content/base-images.ts";
import { parseRecord } from "../../../src/lib/images/build-record.ts";
import { readDockerfile } from "../../../src/lib/content/dockerfile.ts";
import { readIgnoreFile } from "../../../src/lib/content/ignore-file.ts";
import { parseReference } from "../../../src/lib/common/reference.ts";
import { parseCapacity } from "../../../src/lib/host/capacity.ts";
import { collectComposeFiles } from "../../../src/lib/compose/files/compose-files.ts";
import { envFileReferences, readEnvFile } from "../../../src/lib/compose/files/env-file.ts";
import { parseHistory } from "../../../src/lib/host/history.ts";
import { parseRelease } from "../../../src/lib/host/kept-release.ts";
import { parseFields, parseState } from "../../../src/lib/host/observation.ts";
import { parsePast } from "../../../src/lib/host/past.ts";
import { parseRecovery } from "../../../src/lib/host/recovery.ts";
import * as answers from "../hosts/host-answers.ts";
import { bombs } from "./bombs.ts";
import { corrupt, yamlOf } from "./corrupt.ts";
import type { Random } from "./random.ts";
import * as samples from "./samples.ts";
import { faultOf } from "./error-check.ts";
import type { ProjectFixture } from "./project-fixture.ts";

/** A kind of input that others can spoil. */
export interface Kind {
  name: string;
  /** How many of them are tried. */
  count: number;
  /** Makes one and reads it. What it throws has to be an error that a user can act on. */
  attempt: (random: Random, fixture: ProjectFixture, index: number) => unknown;
}

/** A text that is parsed, and nothing else. */
function text(name: string, count: number, sample: string, read: (content: string) => unknown): Kind {
  return { name, count, attempt: (random) => read(corrupt(sample, random).toString()) };
}

const load = (fixture: ProjectFixture) =>
  loadConfig(undefined, { cwd: fixture.directory, env: fixture.env, environment: "staging", needs: ["hosts", "dotenv", "build"] });

const places = ["coldtivate.yml", "compose.yaml", "dotenv", ".env", "Web/Dockerfile"];

/** Texts that come to a lot, in each place where a repository may have one; the largest of them the command itself gets. */
function bomb(name: string, make: (size: number) => string): Kind {
  return {
    name,
    count: places.length + 1,
    async attempt(random, fixture, index) {
      const content = make(random.pick([500, 5000, 50_000]));
      const place = places[index] ?? "coldtivate.yml";
      fixture.write(place, index === places.length ? `${samples.configuration}\n${content}` : content);
      const files = { "compose.yaml": Buffer.from(samples.compose), "web.env": Buffer.from(content), [place]: Buffer.from(content) };
      const read = (path: string) => Promise.resolve(Object.hasOwn(files, path) ? files[path] : undefined);
      await collectComposeFiles(["compose.yaml"], read, { variables: { TAG: "1" } }).catch(refusedOnly);
      const config = await load(fixture);
      await readDotenv(config, config.environments["staging"]!);
    },
  };
}

/** What is refused here is not what is looked at, as long as it is refused as it should be. */
function refusedOnly(error: unknown): void {
  const fault = faultOf(error);
  if (fault !== undefined) throw error;
}

/** An answer of a host in which one field is spoilt. */
function field(
  name: string,
  count: number,
  answer: Readonly<Record<string, string>>,
  read: (fields: Map<string, string>) => unknown,
): Kind {
  return {
    name,
    count,
    attempt(random) {
      const spoilt = random.pick(Object.keys(answer));
      return read(new Map(Object.entries({ ...answer, [spoilt]: corrupt(answer[spoilt] ?? "", random).toString() })));
    },
  };
}

/** A commit of one file, at a path of any bytes. */
async function readCommitted(fixture: ProjectFixture, commit: string): Promise<void> {
  const repository = await openRepository(fixture.directory);
  using tree = await openCommit(repository.root, commit);
  const { faults } = await tree.read("");
  await repository.readInputs(commit, ["."]);
  await repository.listFiles(commit, "");
  await repository.submodules(commit);
  refuseSources(faults);
}

export const kinds: readonly Kind[] = [
  {
    name: "configuration, spoilt",
    count: 220,
    async attempt(random, fixture) {
      fixture.write("coldtivate.yml", corrupt(samples.configuration, random));
      await load(fixture);
    },
  },
  {
    name: "configuration, made up",
    count: 120,
    async attempt(random, fixture) {
      const made = yamlOf(random, samples.configurationWords);
      fixture.write("coldtivate.yml", random.once(2) ? made : `${samples.configuration}${made}`);
      await load(fixture);
    },
  },
  {
    name: "dotenv",
    count: 80,
    async attempt(random, fixture) {
      fixture.write("dotenv", corrupt(samples.dotenv, random));
      const config = await load(fixture);
      await readDotenv(config, config.environments["staging"]!);
    },
  },
  {
    name: "Compose files of the working tree",
    count: 80,
    async attempt(random, fixture) {
      fixture.write("compose.yaml", random.once(3) ? yamlOf(random, samples.composeWords) : corrupt(samples.compose, random));
      await load(fixture);
    },
  },
  {
    name: "Compose files of a commit",
    count: 150,
    async attempt(random) {
      const spoil = (sample: string) => (random.once(2) ? Buffer.from(sample) : corrupt(sample, random));
      const made = () => Buffer.from(yamlOf(random, samples.composeWords));
      const files: Record<string, Buffer> = {
        "compose.yaml": random.once(3) ? made() : corrupt(samples.compose, random),
        "part/compose.yaml": random.once(3) ? made() : spoil("services: { part: { image: x, env_file: [../web.env] } }"),
        "other.yaml": spoil("include: [compose.yaml, other.yaml]\nservices: { other: { image: x } }"),
        "base.yaml": spoil("services: { web: { extends: { file: base.yaml, service: web } } }"),
        "web.env": spoil(samples.envFile),
        labels: spoil("a=b\n"),
      };
      await collectComposeFiles(["compose.yaml"], (path) => Promise.resolve(Object.hasOwn(files, path) ? files[path] : undefined), {
        variables: { TAG: "1" },
      });
    },
  },
  {
    name: "commits that are deployed",
    count: 30,
    async attempt(random, fixture) {
      const config = await load(fixture);
      const commit = fixture.commit([
        [Buffer.from("compose.yaml"), random.once(3) ? Buffer.from(samples.compose) : corrupt(samples.compose, random)],
        [Buffer.from("coldtivate.yml"), corrupt(samples.configuration, random)],
        [Buffer.from(".env"), corrupt(samples.envFile, random)],
        [Buffer.from(".gitmodules"), corrupt('[submodule "a"]\n\tpath = a\n\turl = ../a\n', random)],
      ]);
      const repository = await openRepository(fixture.directory);
      using tree = await openCommit(repository.root, commit);
      await compareSettings(config, "staging", repository, tree);
      await repository.submodules(commit);
      const environment = config.environments["staging"]!;
      await readCompose({ config, environment, revision: { commit }, dotenv: new Map(), env: fixture.env }, repository, tree);
    },
  },
  {
    name: "paths of a commit, of all bytes that Git allows",
    count: 40,
    async attempt(random, fixture) {
      const name = () =>
        Buffer.from([...random.bytes(1 + random.below(random.pick([4, 200])))].map((byte) => (byte === 0 || byte === 47 ? 46 : byte)));
      const paths = Array.from({ length: 6 }, () => (random.once(2) ? name() : Buffer.concat([name(), Buffer.from("/"), name()])));
      const usable = paths.filter((path) => !/^\.{1,2}$|^\.{1,2}\/|\/\.{1,2}$|(^|\/)\.git/i.test(path.toString("latin1")));
      await readCommitted(
        fixture,
        fixture.commit([[Buffer.from("x"), Buffer.from("")], ...usable.map((path): [Buffer, Buffer] => [path, path])]),
      );
    },
  },
  {
    name: "refs",
    count: 50,
    async attempt(random, fixture) {
      const repository = await openRepository(fixture.directory);
      const ref = () =>
        corrupt(random.pick(["main", "v1.2.0", "feature/x", "HEAD~1", "0123abc", "-x", "refs/heads/main"]), random)
          .toString()
          .slice(0, 5000);
      const rules = { name: "staging", branches: ["main", ref()], tags: ["v*", ref()] };
      const env = { CI_COMMIT_SHA: ref(), CI_COMMIT_REF_NAME: ref(), CI_COMMIT_REF_SLUG: ref() };
      const request = random.pick([{ tag: ref() }, { ref: ref() }, { ci: readCi(env) }, { ci: readCi({ ...env, CI_COMMIT_TAG: ref() }) }]);
      await describeCheckout({ ci: readCi({ CI_COMMIT_REF_NAME: ref(), CI_COMMIT_TAG: ref() }) }, repository);
      await chooseRevision(request, rules, repository);
    },
  },
  ...bombs.map((make, index) => bomb(`what comes to a lot, ${index}`, make)),
  {
    name: "private keys",
    count: 60,
    attempt(random, fixture) {
      keyFault(normaliseKey(corrupt(fixture.privateKey, random).toString()));
    },
  },
  {
    name: "private keys of an environment",
    count: 20,
    async attempt(random, fixture) {
      fixture.write(
        "coldtivate.yml",
        samples.configuration.replace("user: deploy, dotenv", "user: deploy, private_key: { file: key }, dotenv"),
      );
      fixture.write("key", corrupt(fixture.privateKey, random));
      await load(fixture);
    },
  },
  {
    name: "known_hosts",
    count: 40,
    attempt: async (random) => findConfiguredKeys("one.example.com", corrupt(samples.knownHosts, random).toString()),
  },
  text("env files", 60, samples.envFile, (content) => [readEnvFile(content, { A: "1" }), envFileReferences(content)]),
  text("Dockerfiles", 40, samples.dockerfile, (content) => [
    readDockerfile(content),
    findBaseImages(content, { args: {}, platforms: [], contexts: [] }),
  ]),
  text("ignore files", 30, samples.ignoreFile, (content) => readIgnoreFile(content)("a/b/node_modules/x.log")),
  // What registries and hosts answer: each parser is a line.
  text("a registry's manifest", 20, samples.manifest, parseImageManifest),
  text("a registry's list of tags", 20, samples.tags, parseTags),
  text("a registry's record of a build", 20, samples.manifest, parseRecord),
  text("an image's reference", 20, samples.reference, parseReference),
  text("a host's history", 20, samples.history, parseHistory),
  text("a host's capacity", 20, samples.capacity, parseCapacity),
  text("a host's whole answer", 40, answers.inFields(answers.fields), (content) =>
    parseState("one", parseFields("one", Buffer.from(content))),
  ),
  field("a field of a host's answer", 120, answers.fields, (fields) => parseState("one", fields)),
  field("a field of a host's answer to a rollback", 80, answers.pastFields, (fields) => {
    parsePast("one", fields);
    const kept = [...fields].flatMap(([name, content]): [string, string][] => (name.startsWith("kept/") ? [[name.slice(5), content]] : []));
    parseRelease("one", new Map(kept));
  }),
  text("what a host recovered", 20, "current\t20261123t101500-bbbbbbbb\norder\t20261123t095500-aaaaaaaa\n", (content) =>
    parseRecovery("one", content),
  ),
];
