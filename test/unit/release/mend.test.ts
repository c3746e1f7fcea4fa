import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { mendModel } from "../../../src/lib/compose/mend.ts";
import type { ComposeModel } from "../../../src/lib/compose/model.ts";

/** What Compose makes of a file, or of what is given to it. */
function compose(file: string, args: readonly string[], input = ""): string {
  const all = ["compose", "--project-name", "shop", "--project-directory", "test/unit/release", "-f", file, "config", ...args];
  return execFileSync("docker", all, { input, encoding: "utf8" });
}

describe.each(["every-attribute", "unusual-values"])("a model that Compose prints of %s", (name) => {
  const file = `test/unit/release/${name}.yaml`;
  const mended = mendModel(JSON.parse(compose(file, ["--format", "json"])) as ComposeModel);

  test("is one that it can read, and means the same services", () => {
    const hashes = (text: string) => text.trim().split("\n").toSorted();
    expect(hashes(compose("-", ["--hash", "*"], JSON.stringify(mended)))).toEqual(hashes(compose(file, ["--hash", "*"])));
  });
});

describe("mended are", () => {
  test("swap without a limit", () => {
    const swapOf = (limit: unknown) => mendModel({ services: { a: { memswap_limit: limit } } }).services["a"]?.["memswap_limit"];
    expect(["-1", "1024", -1, undefined].map(swapOf)).toEqual([-1, "1024", -1, undefined]);
  });

  test("limits of 0", () => {
    const ulimits = { core: {}, nofile: { hard: 10 }, nproc: 5, memlock: { soft: -1, hard: -1 } };
    expect(mendModel({ services: { a: { ulimits } } }).services["a"]?.["ulimits"]).toEqual({
      core: { soft: 0, hard: 0 },
      nofile: { soft: 0, hard: 10 },
      nproc: 5,
      memlock: { soft: -1, hard: -1 },
    });
  });

  test("devices with a limited rate", () => {
    const io = { weight: 300, device_read_bps: [{ Path: "/dev/sda", Rate: "1" }], weight_device: [{ path: "/dev/sda", weight: 4 }] };
    expect(mendModel({ services: { a: { blkio_config: io } } }).services["a"]?.["blkio_config"]).toEqual({
      weight: 300,
      device_read_bps: [{ path: "/dev/sda", rate: "1" }],
      weight_device: [{ path: "/dev/sda", weight: 4 }],
    });
  });
});
