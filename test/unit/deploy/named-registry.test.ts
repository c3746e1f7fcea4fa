import { expect, test } from "vitest";
import type { RegistryClient } from "../../../src/lib/adapters/registry/registry.ts";
import { Secret } from "../../../src/lib/secrets/secret.ts";
import { findLostImages } from "../../../src/lib/deploy/prepare/images/ask-for-lost.ts";
import { onlyNamed } from "../../../src/lib/deploy/prepare/images/named-registry.ts";
import { loginsFor } from "../../../src/lib/deploy/apply/pull-credentials.ts";
import { repositoriesOf } from "../../../src/lib/release/repositories.ts";

const digest = `sha256:${"a".repeat(64)}`;

/** A registry client that notes what it is asked about. */
function registry() {
  const asked: string[] = [];
  const note = (reference: string) => {
    asked.push(reference);
    return Promise.resolve(digest);
  };
  const client = { digestOf: note, layersOf: note, configurationOf: note, manifestOf: note } as unknown as RegistryClient;
  return { asked, client: onlyNamed(client, repositoriesOf(["postgres:15", "r.example:5000/shop/web"])) };
}

test.each(["127.0.0.1:6379/x", "evil.example/postgres", "postgres.evil", "r.example/shop/web", "r.example:5000/shop/web/x", "", "A B"])(
  "nobody is asked about %j, which nobody named",
  async (reference) => {
    const { asked, client } = registry();
    for (const ask of ["digestOf", "layersOf", "configurationOf", "manifestOf"] as const)
      await expect(client[ask](reference)).rejects.toMatchObject({ code: "IMAGE_NOT_NAMED", exit: "refused" });
    expect(asked).toEqual([]);
  },
);

test("what is named is asked about, under any tag and however it is written", async () => {
  const { asked, client } = registry();
  const references = ["postgres:14", "docker.io/library/postgres", `r.example:5000/shop/web@${digest}`];
  for (const reference of references) await client.digestOf(reference);
  expect(asked).toEqual(references);
});

test("of lost images those that nobody named count as gone", async () => {
  const { asked, client } = registry();
  expect(await findLostImages(["postgres:15", "evil.example/x"], client)).toEqual({ there: ["postgres:15"], gone: ["evil.example/x"] });
  expect(asked).toEqual(["postgres:15"]);
});

test("a host gets the logins for what it pulls itself", () => {
  const login = (name: string) => ({ registry: name, credentials: { username: "ann", password: new Secret(name) } });
  const logins = ["docker.io", "r.example:5000", "ghcr.io"].map(login);
  const given = (...images: string[]) => loginsFor(images, logins).map((each) => each.registry);
  expect(given(`postgres@${digest}`)).toEqual(["docker.io"]);
  expect(given(`r.example:5000/shop/web@${digest}`, `ghcr.io/a/b@${digest}`)).toEqual(["r.example:5000", "ghcr.io"]);
  expect(given()).toEqual([]);
});
