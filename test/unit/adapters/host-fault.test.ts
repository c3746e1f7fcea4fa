import { expect, test } from "vitest";
import { hostFault } from "../../../src/lib/adapters/host-fault.ts";

const answer = (code: number, stderr: string, stdout = "") => ({ code, stdout, stderr });

test.each([
  ["nologin", answer(1, "", "This account is currently not available.\n"), "LOGIN_SHELL_REFUSES", "login shell runs no commands"],
  ["false", answer(1, ""), "LOGIN_SHELL_REFUSES", "login shell runs no commands"],
  ["a host without bash", answer(127, "sh: 1: bash: not found\n"), "HOST_TOOLS_MISSING", "it does not have bash"],
  ["a host without tools", answer(3, "missing here: gzip flock\n"), "HOST_TOOLS_MISSING", "it does not have gzip, flock"],
  ["a full disk", answer(1, "tar: x: Cannot write: No space left on device\n"), "HOST_DISK_FULL", "a disk is full there"],
  ["a disk that is read-only", answer(1, "mkdir: cannot create: Read-only file system\n"), "HOST_DISK_FULL", "can only be read there"],
])("%s is told in a sentence", (_what, said, code, message) => {
  expect(hostFault("a.example", said)).toMatchObject({
    code,
    exit: "refused",
    message: expect.stringMatching(new RegExp(`^a\\.example: .*${message}`)) as string,
    hint: expect.stringContaining("Nothing was changed there.") as string,
  });
});

test("the script's own words are left to whoever knows them", () => {
  expect(hostFault("a", answer(3, "Docker Engine 20 is too old.\n"))).toBeUndefined();
});
