import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, expect, test, vi } from "vitest";
import { createPrivateDirectory } from "../../../src/lib/adapters/private-directory.ts";
import { checkAgent, startAgent } from "../../../src/lib/adapters/ssh/keys/ssh-agent.ts";
import { Secret } from "../../../src/lib/secrets/secret.ts";

afterEach(() => vi.unstubAllEnvs());

async function makeKey(directory: string, passphrase = ""): Promise<Secret> {
  const path = join(directory, "key");
  await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", passphrase, "-f", path]);
  return new Secret(readFileSync(path, "utf8"));
}

test("an agent of its own holds the key, and ends with the build", async () => {
  await using directory = createPrivateDirectory();
  const key = await makeKey(directory.path);
  let socket = "";
  {
    await using agent = await startAgent(key, directory);
    socket = agent.env.SSH_AUTH_SOCK ?? "";
    const { stdout } = await execa("ssh-add", ["-l"], { env: agent.env });
    expect(stdout).toContain("(ED25519)");
  }
  expect(existsSync(socket)).toBe(false);
});

test("a key that needs a passphrase, and what is no key, are errors that show none of it", async () => {
  await using directory = createPrivateDirectory();
  const locked = await makeKey(directory.path, "a long passphrase");
  await expect(startAgent(locked, directory)).rejects.toMatchObject({ code: "SSH_KEY_INVALID", exit: "usage" });
  await expect(startAgent(new Secret("not a key at all\n"), directory)).rejects.toMatchObject({ code: "SSH_KEY_INVALID" });
});

test("the user's own agent has to be there, and to hold a key", async () => {
  vi.stubEnv("SSH_AUTH_SOCK", "");
  await expect(checkAgent()).rejects.toMatchObject({ code: "SSH_AGENT_MISSING", exit: "usage" });

  await using directory = createPrivateDirectory();
  await using agent = await startAgent(await makeKey(directory.path), directory);
  vi.stubEnv("SSH_AUTH_SOCK", agent.env.SSH_AUTH_SOCK);
  await checkAgent();
  await execa("ssh-add", ["-q", "-D"]);
  await expect(checkAgent()).rejects.toMatchObject({ code: "SSH_AGENT_EMPTY" });
});
