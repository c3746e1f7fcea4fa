import { describe, expect, test } from "vitest";
import { collectComposeFiles, interpolate, interpolatedVariables, normalise } from "../../../src/lib/release/compose-files.ts";

const reader = (files: Record<string, string>) => (path: string) =>
  Promise.resolve(files[path] === undefined ? undefined : Buffer.from(files[path]));

describe("collectComposeFiles", () => {
  test("follows include, extends and env files, with variables in their paths", async () => {
    const { files, variables } = await collectComposeFiles(
      ["deploy/docker-compose.yml"],
      reader({
        "deploy/docker-compose.yml":
          "include: [../shared/db.yml]\nservices:\n  web:\n    image: ${CI_REGISTRY_IMAGE}/web:$${NOT}\n    extends: {file: base.yml, service: web}\n    env_file: ['${DOT_ENV_PATH:-.env}', {path: more.env, required: false}]\n",
        "shared/db.yml": "services: {db: {image: 'postgres:${PG:-15}'}}",
        "deploy/base.yml": "services: {web: {}}",
        "deploy/more.env": "A=1",
      }),
      { DOT_ENV_PATH: "../dotenv" },
    );
    expect([...files.keys()]).toEqual(["deploy/docker-compose.yml", "shared/db.yml", "deploy/base.yml", "deploy/more.env"]);
    expect([...variables].toSorted()).toEqual(["CI_REGISTRY_IMAGE", "DOT_ENV_PATH", "PG"]);
  });

  test("takes label files along, of which Compose asks as of env files", async () => {
    const compose = "services: {web: {label_file: ./web.labels}, db: {label_file: [db.labels, ../shared.labels]}}";
    const { files, isWhole } = await collectComposeFiles(
      ["deploy/compose.yaml"],
      reader({ "deploy/compose.yaml": compose, "deploy/web.labels": "a=b", "deploy/db.labels": "c=d", "shared.labels": "e=f" }),
      {},
    );
    expect([...files.keys()]).toEqual(["deploy/compose.yaml", "deploy/web.labels", "deploy/db.labels", "shared.labels"]);
    expect(isWhole).toBe(true);
  });

  test("names every Compose file that the commit does not have", async () => {
    const files = collectComposeFiles(["a.yml", "b.yml"], reader({ "a.yml": "include: c.yml" }), {});
    await expect(files).rejects.toMatchObject({
      code: "COMPOSE_FILE_MISSING",
      exit: "usage",
      details: ["b.yml", "c.yml (named in a.yml)"],
    });
  });
});

test("interpolation in paths", () => {
  expect(interpolate("${A}/$B/${C:-x}/${D-y}/${E:-z}", { A: "1", B: "2", D: "", E: "" })).toBe("1/2/x//z");
  expect(interpolatedVariables("${A:-${B}} $C $$D")).toEqual(["A", "B", "C"]);
});

test("normalise takes out what a path does not need", () => {
  expect(normalise("./a//b/../c")).toBe("a/c");
  expect(normalise("../a")).toBe("../a");
});
