import { describe, expect, test } from "vitest";
import { assignImages, type OwnImage } from "../../../src/lib/release/built-images.ts";
import type { ComposeService } from "../../../src/lib/compose/model.ts";

const sourceDirectory = "/home/deploy/.coldtivate/incoming.x/compose";
const registryImage = "registry.example.com/group/shop";

const image = (name: string, context = name, more: Partial<OwnImage> = {}): OwnImage => ({
  name,
  context,
  dockerfile: context === "" ? "Dockerfile" : `${context}/Dockerfile`,
  services: [],
  ...more,
});

function assign(services: Record<string, ComposeService>, images: OwnImage[], profiles: string[] = []): Record<string, string | undefined> {
  const { services: assigned } = assignImages({ model: { services }, images, registryImage, sourceDirectory, profiles });
  return Object.fromEntries(Object.entries(assigned).map(([name, service]) => [name, service.image?.replace(`${registryImage}/`, "own:")]));
}

const build = (context: string, more: Record<string, unknown> = {}) => ({
  build: { context: context === "." ? sourceDirectory : `${sourceDirectory}/${context}`, dockerfile: "Dockerfile", ...more },
});

describe("a service gets the image", () => {
  test("that is built from its context, whatever Compose would call what it builds", () => {
    expect(
      assign({ web: build("web"), api: { ...build("services/api/"), image: "shop-api:latest" }, root: build(".") }, [
        image("web"),
        image("api", "services/api"),
        image("root", ""),
      ]),
    ).toEqual({ web: "own:web", api: "own:api", root: "own:root" });
  });

  test("by the Dockerfile and the stage, where a context has several", () => {
    const images = [
      image("web"),
      image("worker", "web", { dockerfile: "web/Dockerfile.worker" }),
      image("dev", "web", { target: "dev" }),
      image("outer", "web", { dockerfile: "docker/web" }),
    ];
    expect(
      assign(
        {
          a: build("web"),
          b: build("web", { dockerfile: "./Dockerfile.worker" }),
          c: build("web", { target: "dev" }),
          d: build("web", { dockerfile: "../docker/web" }),
          e: build("web", { dockerfile: `${sourceDirectory}/web/Dockerfile.worker` }),
        },
        images,
      ),
    ).toEqual({ a: "own:web", b: "own:worker", c: "own:dev", d: "own:outer", e: "own:worker" });
  });

  test("that is said to be run by it, whatever the Compose files say", () => {
    const images = [image("web", "web", { services: ["site", "job", "both"] }), image("api")];
    expect(
      assign({ site: {}, job: { image: "postgres:15" }, both: build("api"), other: { image: `${registryImage}/api:main` } }, images),
    ).toEqual({ site: "own:web", job: "own:web", both: "own:web", other: "own:api:main" });
  });

  test("that it names, if that is one of the project's, whatever its build is", () => {
    expect(assign({ a: { ...build("web"), image: `${registryImage}/api:main` } }, [image("web"), image("api")])).toEqual({
      a: "own:api:main",
    });
  });

  test("of others that it names, where its build is nothing to the project", () => {
    expect(assign({ db: { ...build("db"), image: "registry.example.com/db:1" } }, [image("web")])).toEqual({
      db: "registry.example.com/db:1",
    });
  });
});

describe("a service of the release without an image is refused", () => {
  const refuse = (services: Record<string, ComposeService>, images: OwnImage[], ...details: string[]) =>
    expect(() => assign(services, images)).toThrow(
      expect.objectContaining({
        code: "IMAGE_MISSING_IN_COMPOSE",
        exit: "usage",
        details: details.map((each) => expect.stringContaining(each) as string),
      }),
    );

  test("with what is missing, all of them at once", () => {
    refuse(
      {
        a: build("none"),
        b: build("web", { target: "prod" }),
        c: build("web", { dockerfile_inline: "FROM scratch" }),
        d: build("web"),
        hidden: { ...build("none"), profiles: ["debug"] },
      },
      [image("web", "web", { target: "dev" })],
      "a is built from ./none, which is the context of no image",
      "b is built from ./web (Dockerfile, stage prod); from there is images.web, by another Dockerfile or another stage",
      "c is built from ./web by a Dockerfile within the Compose file",
      "d is built from ./web (Dockerfile); from there is images.web",
    );
  });

  test("or with the images that it may run", () => {
    refuse({ a: build("web") }, [image("one", "web"), image("two", "web")], "a may run images.one or images.two");
    refuse(
      { a: {} },
      [image("one", "x", { services: ["a"] }), image("two", "y", { services: ["a"] })],
      "a may run images.one or images.two",
    );
  });
});
