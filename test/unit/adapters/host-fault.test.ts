import { expect, test } from "vitest";
import { hostFault, shellFault } from "../../../src/lib/adapters/ssh/host-fault.ts";

const answer = (code: number, stderr: string, stdout = "") => ({ code, stdout, stderr });

test.each([
  ["a host without tools", answer(3, "missing here: gzip flock\n"), "HOST_TOOLS_MISSING", "it does not have gzip, flock"],
  ["a full disk", answer(1, "tar: x: Cannot write: No space left on device\n"), "HOST_DISK_FULL", "a disk is full there"],
  ["a disk that is read-only", answer(1, "mkdir: cannot create: Read-only file system\n"), "HOST_DISK_FULL", "can only be read there"],
])("%s is told in a sentence", (_what, said, code, message) => {
  expect(hostFault("a.example", said)).toMatchObject({
    code,
    exit: "refused",
    message: expect.stringMatching(new RegExp(`^a\\.example: .*${message}`)) as string,
  });
});

test("the script's own words are left to whoever knows them", () => {
  expect(hostFault("a", answer(3, "Docker Engine 20 is too old.\n"))).toBeUndefined();
});

test.each([
  ["nologin", answer(1, "", "This account is currently not available.\n"), "LOGIN_SHELL_REFUSES", "login shell runs no commands"],
  ["false", answer(1, ""), "LOGIN_SHELL_REFUSES", "login shell runs no commands"],
  ["dash without bash", answer(127, "sh: 1: bash: not found\n"), "HOST_TOOLS_MISSING", "it does not have bash"],
  ["zsh without bash", answer(127, "zsh:1: command not found: bash\n"), "HOST_TOOLS_MISSING", "it does not have bash"],
  ["fish without bash", answer(127, "fish: Unknown command: bash\n"), "HOST_TOOLS_MISSING", "it does not have bash"],
  ["git-shell", answer(128, "fatal: unrecognized command 'bash -c '\n"), "LOGIN_SHELL_REFUSES", "something else runs there"],
  ["SFTP alone", answer(1, "", "This service allows sftp connections only.\n"), "LOGIN_SHELL_REFUSES", "something else runs there"],
  ["a forced command", answer(0, "", "Have a nice day.\n"), "LOGIN_SHELL_REFUSES", "something else runs there"],
])("what runs in place of a command is told in a sentence: %s", (_what, said, code, message) => {
  expect(shellFault("a.example", said)).toMatchObject({
    code,
    exit: "refused",
    message: expect.stringMatching(new RegExp(`^a\\.example: .*${message}`)) as string,
  });
});

test("what it said is not told at any length", () => {
  const { details } = shellFault("a", answer(128, `fatal: unrecognized command '${"x".repeat(4000)}'\n${"more\n".repeat(20)}`));
  expect(details).toHaveLength(5);
  expect(details[0]).toMatch(/^fatal: unrecognized command 'x+…$/);
  expect(details[0]!.length).toBeLessThanOrEqual(200);
});
