import { join } from "node:path";
import { expect, test } from "vitest";
import { openCommit } from "../../../src/lib/adapters/git/git-commit.ts";
import { openRepository } from "../../../src/lib/adapters/git/git.ts";
import { compareSettings } from "../../../src/lib/deploy/prepare/commit/compare-settings.ts";
import { createRepository } from "../adapters/git-repository.ts";

const settings = `project: shop
images: { web: { context: . } }
tasks: [{ name: a, run: [x] }]
environments:
  staging: { host: a.example.com }
  production: { host: b.example.com, private_key: secret }
`;

/** What is noted where the commit has one text, and the working tree another. */
async function compare(committed: string | undefined, here: string, folder = ""): Promise<string[]> {
  using repository = createRepository();
  const path = join(folder, "coldtivate.yml");
  const commit = repository.commit(committed === undefined ? { README: "" } : { [path]: committed });
  repository.write(path, here);
  const opened = await openRepository(join(repository.directory, folder));
  using tree = await openCommit(opened.root, commit);
  return await compareSettings({ path: join(repository.directory, path) }, "production", opened, tree);
}

test("nothing is noted where they say the same, whatever else they write", async () => {
  expect(await compare(settings, settings)).toEqual([]);
  expect(await compare(settings, `# words\n${settings}`)).toEqual([]);
  expect(await compare(settings, settings.replace("a.example.com", "c.example.com"))).toEqual([]);
});

test("where they differ is named, by places and without values", async () => {
  const changed = settings.replace("b.example.com", "c.example.com").replace("secret", "other").replace("[x]", "[x, y]");
  expect(await compare(settings, `${changed}hooks: { after_deploy: ./x }\n`, "shop")).toEqual([
    "coldtivate.yml is taken as it is here, and differs from the commit's in tasks[0].run, environments.production.host, environments.production.private_key, hooks",
  ]);
});

test("many places are counted", async () => {
  const services = Array.from({ length: 15 }, (_, index) => `  s${index}: {}\n`).join("");
  expect(await compare(`${settings}services:\n  a: {}\n`, `${settings}services:\n${services}`)).toEqual([
    expect.stringMatching(/in services\.s0, .*services\.s8, services\.s9 and 6 more$/),
  ]);
});

test("a commit that has none, or one that cannot be read, is noted as such", async () => {
  expect(await compare(undefined, settings)).toEqual(["coldtivate.yml is taken as it is here: the commit has none"]);
  expect(await compare("a: [", settings)).toEqual([
    "coldtivate.yml is taken as it is here, and differs from the commit's, which cannot be read",
  ]);
});
