import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { edit, makeFolder, publish } from "../support/clones.ts";
import { onHost, productionHost, stagingHost } from "../support/hosts.ts";
import { startOnTerminal } from "../support/live-command.ts";
import { makeSmallProject, removeSmallProject } from "../support/projects/small-project.ts";
import { coldtivate, must, sandbox } from "../support/run.ts";

/** Staging's sshd answers there for nobody but staging itself. */
const hidden = { host: "127.0.0.1", port: 2200 };

let clone: string;

beforeAll(async () => {
  await onHost(
    "staging",
    `/usr/sbin/sshd -f /etc/ssh/sandbox_sshd_config -o PidFile=/run/sshd-hidden.pid -o Port=${hidden.port} -o ListenAddress=${hidden.host}`,
  );
  clone = await makeSmallProject();
  const way = `jump:
      - { host: "\${PRODUCTION_SSH_HOST}", user: deploy, fingerprint: "\${PRODUCTION_SSH_FINGERPRINT}" }
      - { host: "\${STAGING_SSH_HOST}", user: deploy, fingerprint: "\${STAGING_SSH_FINGERPRINT}" }`;
  await edit(clone, "coldtivate.yml", (text) =>
    text.replace("host: ${STAGING_SSH_HOST}", `host: ${hidden.host}\n    port: ${hidden.port}\n    ${way}`),
  );
  // What nothing checks takes two seconds.
  await edit(clone, "docker-compose.yml", (text) => text.replace(/ {2}# Nothing checks its health\.[^]*/, ""));
  await publish(clone, "feat: hide");
});

afterAll(async () => {
  await onHost("staging", "kill $(cat /run/sshd-hidden.pid)");
  await removeSmallProject();
});

test("a job deploys to a host behind two others, each of which has to show its own key", async () => {
  const first = await coldtivate(["deploy", "staging"], { cwd: clone });
  expect(first.exitCode, first.output).toBe(0);
  const log = await onHost("staging", "cat /var/log/sshd.log");
  expect(log).toContain(productionHost());
  expect((await coldtivate(["deploy", "staging"], { cwd: clone })).stdout).toMatch(/nothing to do|serves/);
  const { stdout, exitCode } = await coldtivate(["status", "staging", "--json"], { cwd: clone });
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ hosts: [{ host: hidden.host }] });

  const { PRODUCTION_SSH_FINGERPRINT, STAGING_SSH_FINGERPRINT } = sandbox();
  const wrong = await coldtivate(["status", "staging"], { cwd: clone, env: { PRODUCTION_SSH_FINGERPRINT: STAGING_SSH_FINGERPRINT } });
  expect(wrong).toMatchObject({ exitCode: 3, stderr: expect.stringContaining(`presented  ${PRODUCTION_SSH_FINGERPRINT}`) });
});

test("a name of ssh_config is enough at a terminal: keys are shown and trusted there, and a passphrase is asked for", async () => {
  const home = await makeFolder();
  const key = join(home, ".ssh", "shop");
  await mkdir(join(home, ".ssh"), { mode: 0o700 });
  await writeFile(key, await readFile(sandbox()["STAGING_SSH_PRIVATE_KEY"]!), { mode: 0o600 });
  await must("ssh-keygen", ["-q", "-p", "-N", "open sesame", "-f", key]);
  const lines = [
    "Include conf.d/*",
    "Host bastion",
    `HostName ${productionHost()}`,
    "User deploy",
    "Host *",
    `IdentityFile ${key}`,
    "IdentityAgent none",
  ];
  await mkdir(join(home, ".ssh", "conf.d"));
  await writeFile(join(home, ".ssh", "config"), `${lines.join("\n")}\n`);
  await writeFile(join(home, ".ssh", "conf.d", "shop"), `Host shop\nHostName ${stagingHost()}\nUser deploy\nProxyJump bastion\n`);
  const written = await readFile(join(clone, "coldtivate.yml"), "utf8");
  await writeFile(
    join(clone, "shop.yml"),
    written.replace(/environments:[^]*/, "environments: { staging: { branches: [main], host: shop, compose: [docker-compose.yml] } }\n"),
  );
  const options = { cwd: clone, env: { HOME: home } };

  const trust = startOnTerminal(["host", "trust", "staging", "-c", "shop.yml", "--plain"], options);
  await trust.says(/bastion \(.*\) shows these keys:[^]*Did you compare them/);
  trust.type("y\n");
  await trust.says(/Passphrase of .*shop: /);
  trust.type("open sesame\n");
  await trust.says(/shop \(.*\) shows these keys:[^]*these keys of shop\?|this key of shop\?/);
  trust.type("y\n");
  const trusted = await trust.ended;
  expect(trusted.exitCode, trusted.output).toBe(0);
  expect(trusted.output).not.toContain("open sesame");
  expect(await readFile(join(home, ".ssh", "known_hosts"), "utf8")).toMatch(
    new RegExp(`^${productionHost()} ssh-[^]*^${stagingHost()} ssh-`, "m"),
  );

  const status = startOnTerminal(["status", "staging", "-c", "shop.yml", "--plain", "--verbose"], options);
  await status.says(/Passphrase of .*shop: /);
  status.type("open sesame\n");
  const { exitCode, output } = await status.ended;
  expect(exitCode, output).toBe(0);
  expect(output).toContain(`shop: host name ${stagingHost()}, from ssh_config`);

  const job = await coldtivate(["status", "staging", "-c", "shop.yml"], options);
  expect(job).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining("it is encrypted with a passphrase, and nobody is at a terminal"),
  });
});
