import { expect, test } from "vitest";
import { inputsOf } from "../../../src/lib/content/image-inputs.ts";
import { selectImages } from "../../../src/lib/images/image-selection.ts";
import { refuseDirty } from "../../../src/lib/content/image-state.ts";
import { isWithin, joinPaths } from "../../../src/lib/common/path.ts";

const image = (name: string) => ({ name, context: name, dockerfile: "Dockerfile", args: {}, secrets: {} });

test.each([
  ["Web", "Dockerfile", ["Web"]],
  ["Web", "docker/Dockerfile.run", ["Web"]],
  [".", "docker/Dockerfile", ["."]],
  ["Web", "../docker/Dockerfile.web", ["Web", "docker/Dockerfile.web", "docker/Dockerfile.web.dockerignore"]],
  ["a/b", "../b2/Dockerfile", ["a/b", "a/b2/Dockerfile", "a/b2/Dockerfile.dockerignore"]],
  [".", "../Dockerfile", [".", "../Dockerfile", "../Dockerfile.dockerignore"]],
])("the inputs of a context %s with the Dockerfile %s are %j", (context, dockerfile, inputs) => {
  expect(inputsOf({ context, dockerfile })).toEqual(inputs);
});

test("paths are joined and compared by their parts", () => {
  expect(joinPaths("./a/", "b/../c")).toBe("a/c");
  expect(joinPaths("a", "..")).toBe(".");
  expect(joinPaths("..", "../a")).toBe("../../a");
  expect(isWithin("ab/c", "a")).toBe(false);
  expect(isWithin("a/c", "a")).toBe(true);
  expect(isWithin("../c", ".")).toBe(false);
});

test("images are chosen by name, in the configuration's order; unknown ones are all named", () => {
  const config = { images: { web: image("web"), api: image("api"), db: image("db") } };
  expect(selectImages(config, []).map(({ name }) => name)).toEqual(["web", "api", "db"]);
  expect(selectImages(config, ["db", "web", "db"]).map(({ name }) => name)).toEqual(["web", "db"]);
  expect(() => selectImages(config, ["wbe", "api", "toString"])).toThrow('there is no image "wbe", "toString" in coldtivate.yml');
});

test("what is to be pushed and has files that are not committed is refused, each file named once", () => {
  const states = [
    { name: "web", dirty: ["Web/a"] },
    { name: "api", dirty: [] },
    { name: "scheduler", dirty: ["Web/a", "x"] },
  ];
  expect(() => refuseDirty(states, "pushed")).toThrow(
    expect.objectContaining({
      exit: "refused",
      message: "web, scheduler: the context has files that are not committed, so it cannot be pushed",
      details: ["Web/a", "x"],
    }),
  );
  expect(() => refuseDirty([{ name: "api", dirty: [] }], "pushed")).not.toThrow();
});
