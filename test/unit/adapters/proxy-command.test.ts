import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { connect, type ConnectOptions } from "../../../src/lib/adapters/ssh/ssh.ts";
import type { HostConfig } from "../../../src/lib/config/schema/config.ts";
import { makeKeyFile, realHost, startSshd, type KeyFile } from "./real-sshd.ts";
import { directory, giveEachTestADirectory } from "./ssh-fixture.ts";

giveEachTestADirectory();

async function configured(lines: readonly string[]): Promise<ConnectOptions> {
  const user = join(directory, "ssh_config");
  await writeFile(user, `${lines.join("\n")}\n`);
  return { files: { user, system: join(directory, "none") }, askSecret: () => Promise.resolve(""), pauses: [] };
}

/** A host that only a command leads to: nobody has its name. */
async function hidden(key: KeyFile, sshd: Awaited<ReturnType<typeof startSshd>>): Promise<HostConfig> {
  const knownHosts = `[shop.invalid]:${sshd.port} ${sshd.hostKeys[0]}\n`;
  return { ...realHost(sshd, await readFile(key.path, "utf8")), host: "shop.invalid", knownHosts };
}

test("a command of ssh_config is the connection, with its tokens filled in, and ends with it", async () => {
  const key = await makeKeyFile(directory, "key");
  await using sshd = await startSshd(directory, { authorized: [key.public] });
  const pipe = String.raw`bash -c 'exec 3<>/dev/tcp/127.0.0.1/%p; cat <&3 & cat >&3'`;
  const options = await configured(["Host shop.invalid", `ProxyCommand ${pipe}`]);
  const host = await hidden(key, sshd);
  {
    await using connection = await connect(host, options);
    const { stdout } = await connection.exec("head -c 3000000 /dev/zero | tr '\\0' x");
    expect(stdout).toHaveLength(3_000_000);
    const { stdout: counted } = await connection.exec("wc -c", { stdin: Buffer.alloc(2_000_000) });
    expect(counted.toString().trim()).toBe("2000000");
  }
});

test("through a host that a command leads to, others are reached", async () => {
  const key = await makeKeyFile(directory, "key");
  await using bastion = await startSshd(directory, { authorized: [key.public] });
  await using target = await startSshd(directory, { authorized: [key.public] });
  const pipe = "bash -c 'exec 3<>/dev/tcp/127.0.0.1/%p; cat <&3 & exec cat >&3'";
  const options = await configured(["Host shop.invalid", `ProxyCommand ${pipe}`]);
  const host = realHost(target, await readFile(key.path, "utf8"), { jump: [await hidden(key, bastion)] });
  await using connection = await connect(host, options);
  expect((await connection.exec("echo through")).stdout.toString()).toBe("through\n");
});

test.each([
  ["says why and ends", "echo no way there >&2; exit 1", /closed the connection/, "it said: no way there"],
  ["does not exist", "/nowhere/proxy %h", /closed the connection/, "it said: "],
  ["says nothing", "sleep 600", /no answer within 0\.2 s/, undefined],
])("a command that %s is one clear sentence", async (_what, command, message, said) => {
  const key = await makeKeyFile(directory, "key");
  await using sshd = await startSshd(directory, { authorized: [] });
  const options = await configured(["Host shop.invalid", `ProxyCommand ${command}`]);
  const refusal = await connect(await hidden(key, sshd), { ...options, ...(said === undefined && { timeout: 200 }) }).catch(
    (error: unknown) => error,
  );
  expect(refusal).toMatchObject({ code: "HOST_UNREACHABLE", message: expect.stringMatching(message) as string });
  if (said !== undefined) expect(JSON.stringify(refusal)).toContain(said);
});
