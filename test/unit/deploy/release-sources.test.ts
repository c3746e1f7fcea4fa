import { expect, test } from "vitest";
import type { CommitTree } from "../../../src/lib/adapters/git/git-commit.ts";
import { readSources } from "../../../src/lib/deploy/prepare/release-sources.ts";

test("what leads out of the commit is not asked for, and is missing", async () => {
  const asked: string[] = [];
  const read = (path: string) => {
    asked.push(path);
    return Promise.resolve({ files: [], faults: [] });
  };
  const found = await readSources({ read } as unknown as CommitTree, ["conf", "..", "../secrets", "../../etc/passwd", "..data"]);
  expect(asked).toEqual(["conf", "..data"]);
  expect([...found.keys()]).toEqual(["conf", "..data"]);
});
