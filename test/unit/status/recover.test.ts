import { describe, expect, test } from "vitest";
import { describeRecovery } from "../../../src/lib/environment/recover-outcome.ts";
import { recoverHosts } from "../../../src/lib/environment/recover.ts";
import { ColdtivateError } from "../../../src/lib/errors.ts";
import type { ProgressEvent } from "../../../src/lib/report/progress.ts";
import { fakeConnection } from "../hosts/fake-connection.ts";

const [older, newer] = ["20261123t095500-1f2e3d4c", "20261123t101500-2f2e3d4c"];
const lost = new ColdtivateError("b: the SSH connection was lost", { code: "CONNECTION_LOST", exit: "failed", details: ["ECONNRESET"] });

/** What the script prints and ends with, or why it was not heard of again. */
type Answer = { stdout?: string; stderr?: string; code?: number } | Error;

const serves = (current: string, ...order: string[]): Answer => ({ stdout: `current\t${current}\n${["order", ...order].join("\t")}\n` });
const nothingDeployed: Answer = { code: 77 };

/** A host that answers `recover` and `catch_up`; it notes what it was asked. */
function host(name: string, recovering: Answer, catchingUp: Answer = {}) {
  const asked: string[] = [];
  const connection = fakeConnection(name, (command) => {
    const words = / -c ((?:recover|catch_up)[^']*)'$/.exec(command)?.[1] ?? "";
    asked.push(words);
    const answer = words === "recover" ? recovering : catchingUp;
    if (answer instanceof Error) return Promise.reject(answer);
    const { stdout = "", stderr = "", code = 0 } = answer;
    return Promise.resolve({ code, stdout: Buffer.from(stdout), stderr });
  });
  return { connection, asked };
}

async function recover(...hosts: ReturnType<typeof host>[]) {
  const notes: string[] = [];
  const recovered = await recoverHosts({
    project: "shop-staging",
    connections: hosts.map(({ connection }) => connection),
    reporter: {
      emit: (event: ProgressEvent) => void (event.type === "note" && notes.push(event.text)),
      close: () => Promise.resolve(),
    },
    signal: new AbortController().signal,
  });
  return { recovered, notes };
}

/** What a user is told in the end. */
async function tell(...hosts: ReturnType<typeof host>[]): Promise<string> {
  return describeRecovery("staging", (await recover(...hosts)).recovered, []);
}

describe("hosts that serve different releases", () => {
  test("get the newest of them, and only those behind are asked to apply it", async () => {
    const [a, b] = [host("a", serves(newer, older, newer)), host("b", serves(older, older))];
    const { recovered, notes } = await recover(a, b);
    expect([a.asked, b.asked]).toEqual([["recover"], ["recover", `catch_up ${newer}`]]);
    expect(recovered.map(({ current }) => current)).toEqual([newer, newer]);
    expect(notes).toContain(`b: applying ${newer}, which other hosts serve`);
    expect(describeRecovery("staging", recovered, [])).toBe(`a: serves ${newer}\nb: serves ${newer}`);
  });

  test("are left as they are where they contradict each other, and both say so", async () => {
    const [a, b] = [host("a", serves(older, newer, older)), host("b", serves(newer, older, newer))];
    const why = `  the hosts do not agree on which of these is the newest, so it was left as it is: ${older}, ${newer}`;
    await expect(tell(a, b)).rejects.toMatchObject({
      code: "RECOVERY_INCOMPLETE",
      exit: "mixed",
      details: [`a: serves ${older}`, why, `b: serves ${newer}`, why],
    });
    expect([a.asked, b.asked]).toEqual([["recover"], ["recover"]]);
  });

  test("stay different where one cannot apply the newest, in its own words", async () => {
    const b = host("b", serves(older, older), { code: 3, stderr: `It does not keep ${newer}.\n` });
    await expect(tell(host("a", serves(newer, older, newer)), b)).rejects.toMatchObject({
      code: "RECOVERY_INCOMPLETE",
      details: [`a: serves ${newer}`, `b: serves ${older}`, `  It does not keep ${newer}.`],
      hint: expect.stringContaining("coldtivate recover staging") as string,
    });
  });

  test("are no success where one ends without a word while it applies the newest", async () => {
    const b = host("b", serves(older, older), { code: 137 });
    await expect(tell(host("a", serves(newer, older, newer)), b)).rejects.toMatchObject({
      code: "RECOVERY_INCOMPLETE",
      details: [`a: serves ${newer}`, `b: serves ${older}`, "  its script ended with 137, without a word"],
    });
  });

  test("are unknown where one is lost while it applies the newest", async () => {
    await expect(tell(host("a", serves(newer, older, newer)), host("b", serves(older, older), lost))).rejects.toMatchObject({
      code: "RECOVERY_INCOMPLETE",
      details: [`a: serves ${newer}`, "b: what it serves is not known", `  ${lost.message}`, "  ECONNRESET"],
    });
  });
});

describe("a host that cannot be recovered", () => {
  test("has no say in which release is the newest, and is not told to apply it", async () => {
    const a = host("a", {
      stdout: `current\t${newer}\n${newer}\tbroken\norder\t${older}\t${newer}\n`,
      stderr: "No space left.\n",
      code: 5,
    });
    const b = host("b", serves(older, older));
    await expect(tell(a, b)).rejects.toMatchObject({
      code: "RECOVERY_INCOMPLETE",
      details: [`a: serves ${newer}; ${newer} was interrupted: broken`, "  No space left.", `b: serves ${older}`],
    });
    expect([a.asked, b.asked]).toEqual([["recover"], ["recover"]]);
  });

  test("keeps no other from it: what is lost is unknown", async () => {
    const [a, b, c] = [host("a", serves(newer, older, newer)), host("b", lost), host("c", serves(older, older))];
    await expect(tell(a, b, c)).rejects.toMatchObject({
      code: "RECOVERY_INCOMPLETE",
      details: [`a: serves ${newer}`, "b: what it serves is not known", `  ${lost.message}`, "  ECONNRESET", `c: serves ${newer}`],
    });
    expect([b.asked, c.asked]).toEqual([["recover"], ["recover", `catch_up ${newer}`]]);
  });

  test("and answers with what is no answer serves nobody knows what", async () => {
    await expect(tell(host("a", { stdout: "welcome\n" }), host("b", serves(newer, newer)))).rejects.toMatchObject({
      code: "RECOVERY_INCOMPLETE",
      details: expect.arrayContaining(["a: what it serves is not known", `b: serves ${newer}`]) as string[],
    });
  });

  test("and ends without a word is no success", async () => {
    await expect(tell(host("a", { code: 137 }))).rejects.toMatchObject({
      code: "RECOVERY_INCOMPLETE",
      details: ["a: what it serves is not known", "  its script ended with 137, without a word"],
    });
  });

  test("for a reason of our own ends it all", async () => {
    const fault = new TypeError("a mistake of ours");
    await expect(recover(host("a", fault), host("b", serves(newer, newer)))).rejects.toBe(fault);
  });
});

describe("hosts that refuse", () => {
  const locked: Answer = { code: 3, stderr: "ann from laptop locked it: moving\n" };

  test("all of them refuse the recovery, which says nothing of what they serve", async () => {
    await expect(tell(host("a", locked), host("b", locked))).rejects.toMatchObject({
      code: "RECOVERY_REFUSED",
      exit: "refused",
      message: "staging cannot be recovered now",
      details: [
        "a: what it serves is not known",
        "  ann from laptop locked it: moving",
        "b: what it serves is not known",
        "  ann from laptop locked it: moving",
      ],
      hint: "Once the reason is gone: coldtivate recover staging",
    });
  });

  test("a wrong use is a refusal, too", async () => {
    await expect(tell(host("a", { code: 2, stderr: "usage\n" }))).rejects.toMatchObject({ code: "RECOVERY_REFUSED" });
  });

  test("one of them makes it incomplete", async () => {
    await expect(tell(host("a", locked), host("b", serves(newer, newer)))).rejects.toMatchObject({
      code: "RECOVERY_INCOMPLETE",
      exit: "mixed",
    });
  });

  test("beside one that cannot be reached, they make it incomplete, and its error is the last", async () => {
    const { recovered } = await recover(host("a", locked));
    const unreachable = [new ColdtivateError("b cannot be reached", { code: "HOST_UNREACHABLE", exit: "refused" }), "out of sockets"];
    expect(() => describeRecovery("staging", recovered, unreachable)).toThrow(
      expect.objectContaining({
        code: "RECOVERY_INCOMPLETE",
        details: ["a: what it serves is not known", "  ann from laptop locked it: moving", "b cannot be reached", "out of sockets"],
      }),
    );
  });
});

describe("a host that nothing was ever deployed to", () => {
  test("is told alone", async () => {
    await expect(recover(host("a", nothingDeployed))).rejects.toMatchObject({ code: "NOTHING_DEPLOYED", exit: "refused" });
  });

  test("is told of the first where all are new", async () => {
    await expect(recover(host("a", nothingDeployed), host("b", nothingDeployed))).rejects.toMatchObject({
      code: "NOTHING_DEPLOYED",
      message: "nothing was ever deployed to a as shop-staging",
    });
  });

  test("does not hide what the others serve, and needs a deploy", async () => {
    const [a, b] = [host("a", serves(newer, newer)), host("b", nothingDeployed, nothingDeployed)];
    await expect(tell(a, b)).rejects.toMatchObject({
      code: "RECOVERY_INCOMPLETE",
      details: [`a: serves ${newer}`, "b: no release serves", "  nothing was ever deployed to b as shop-staging"],
      hint: expect.stringContaining("A deploy makes them serve one release, too.") as string,
    });
    expect(b.asked).toEqual(["recover"]);
  });

  test("is no trouble where no release serves anywhere", async () => {
    expect(await tell(host("a", serves("-")), host("b", nothingDeployed))).toBe("a: no release serves\nb: no release serves");
  });
});

test("what became of each interrupted release is told, whether or not one serves", async () => {
  const settled = `${older}\tundone\n${newer}\tundone\n`;
  expect(await tell(host("a", { stdout: `current\t-\n${settled}order\t${older}\t${newer}\n` }))).toBe(
    `a: no release serves; ${older} was interrupted: undone; ${newer} was interrupted: undone`,
  );
});

test("each host is noted before it is asked", async () => {
  const { notes } = await recover(host("a", serves(newer, newer)), host("b", serves(newer, newer)));
  expect(notes).toEqual(["a", "b"].map((name) => `${name}: finishing or undoing what was interrupted, if anything was`));
});
