import { expect, test } from "vitest";
import { refuseSources } from "../../../src/lib/deploy/prepare/commit/source-faults.ts";

test("what cannot be read as a checkout would have it is refused, all of it, each with the way out", () => {
  expect(() =>
    refuseSources([
      { kind: "lfs", path: "models/crop.bin" },
      { kind: "absent", path: "vendor/lib" },
      { kind: "behind", path: "vendor/old" },
      { kind: "encrypted", path: "secrets.env" },
      { kind: "loop", path: "a", target: "b" },
      { kind: "dangling", path: "current", target: "releases/2" },
      { kind: "outside", path: "shared", target: "../shared" },
      { kind: "lfs", path: "models/crop.bin" },
    ]),
  ).toThrow(
    expect.objectContaining({
      code: "SOURCE_UNREADABLE",
      exit: "refused",
      details: [
        "a is a link to b, which leads in a circle",
        "current is a link to releases/2, which the commit does not have",
        'models/crop.bin is in Git LFS, and its content is not here: git lfs pull --include "models/crop.bin"',
        "secrets.env is encrypted: git-crypt unlock",
        "shared is a link to ../shared, outside of the repository: name that path itself in the Compose file",
        "the submodule vendor/old does not have the commit that is pinned here: git submodule update --init --recursive -- vendor/old",
        "vendor/lib is a submodule that is not here: git submodule update --init --recursive -- vendor/lib",
      ],
    }),
  );
  expect(() => refuseSources([])).not.toThrow();
});
