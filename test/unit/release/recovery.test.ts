import { describe, expect, test } from "vitest";
import { findBehind, parseRecovery } from "../../../src/lib/host/recovery.ts";

const [older, newer] = ["20261123t095500-1f2e3d4c", "20261123t101500-2f2e3d4c"];

test("what a host recovered is read, with the order of its releases", () => {
  expect(parseRecovery("a", `current\t${older}\n${newer}\tundone\norder\t${older}\t${newer}\n`)).toEqual({
    host: "a",
    current: older,
    settled: [{ release: newer, outcome: "undone" }],
    order: [older, newer],
  });
  expect(parseRecovery("a", "current\t-\n")).toEqual({ host: "a", current: "", settled: [] });
});

test.each([
  "current\tx; touch /tmp/owned\n",
  "current\t$(reboot)\n",
  "current\t../../x\n",
  "current\t-c\n",
  `current\t${"r".repeat(200)}\n`,
  `current\t${older}\nr1;id\tundone\n`,
  `current\t${older}\n${older}\tsplendid\n`,
  `current\t${older}\norder\t${older}\t\u001b]52;c;x\u0007\n`,
  "welcome\n",
])("%j is no recovery", (text) => {
  expect(() => parseRecovery("a", text)).toThrow(expect.objectContaining({ code: "HOST_ANSWER" }));
});

describe("the newest release", () => {
  const host = (name: string, current: string, order?: string[]) => ({ host: name, current, ...(order === undefined ? {} : { order }) });
  const names = ({ newest, behind, disputed }: ReturnType<typeof findBehind<ReturnType<typeof host>>>) => ({
    newest,
    behind: behind.map((each) => each.host),
    disputed,
  });

  test("is the one that hosts took up last, whatever a client's clock made of its id", () => {
    // The clock of who made the second one was behind.
    const [first, second] = [newer, older];
    expect(names(findBehind([host("a", second, [first, second]), host("b", first, [first, second])]))).toEqual({
      newest: second,
      behind: ["b"],
    });
    expect(names(findBehind([host("a", second, [first, second]), host("b", first, [first])]))).toMatchObject({ newest: second });
  });

  test("is nobody's to say alone: where hosts contradict each other, it is left open", () => {
    const [first, second] = [older, newer];
    const found = findBehind([host("liar", first, [second, first]), host("b", second, [first, second])]);
    expect(names(found)).toEqual({ newest: "", behind: [], disputed: [first, second] });
    expect(findBehind([host("a", "r1", ["r1"]), host("b", "r2", ["r2"])]).disputed).toEqual(["r1", "r2"]);
  });

  test("goes by ids where no host tells an order", () => {
    expect(names(findBehind([host("a", older), host("b", newer), host("c", "")]))).toEqual({ newest: newer, behind: ["a", "c"] });
    expect(names(findBehind([host("a", ""), host("b", "")]))).toEqual({ newest: "", behind: [] });
  });
});
