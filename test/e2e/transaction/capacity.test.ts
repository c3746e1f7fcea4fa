import { appendFile } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { edit, publish } from "../support/clones.ts";
import { expectRest, readContainers, readServices } from "../support/host-state.ts";
import { onHost, stagingHost } from "../support/hosts.ts";
import { makeSmallProject, removeSmallProject } from "../support/projects/small-project.ts";
import { expectRefusal } from "../support/refusal.ts";
import { coldtivate, must } from "../support/run.ts";

const deploy = ["deploy", "staging"];
const project = "small-staging";

/** A service that takes requests at a port of the host. */
const seller = (name: string, port: number) => `
  ${name}:
    <<: *service
    command: [python3, -m, http.server, "8000", --directory, /app]
    ports: ["${port}:8000"]
    mem_reservation: 20m # of ${name}
    healthcheck: { test: [CMD, bash, -c, "exec 3<>/dev/tcp/localhost/8000"], interval: 300ms, start_period: 20s, start_interval: 500ms }
`;

let clone: string;
let good: string;

beforeAll(async () => {
  clone = await makeSmallProject();
  await appendFile(join(clone, "docker-compose.yml"), seller("shop", 8125) + seller("stall", 8126));
  await appendFile(join(clone, "coldtivate.yml"), 'front: { image: "${FRONT_IMAGE:-haproxy:3.2-alpine}" }\n');
  good = await publish(clone, "good");
  const { exitCode, output } = await coldtivate(deploy, { cwd: clone });
  expect(exitCode, output).toBe(0);
});
afterAll(removeSmallProject);
beforeEach(async () => {
  await must("git", ["reset", "--quiet", "--hard", good], { cwd: clone });
});

/** Has both sellers reserve memory. */
const reserve = (bytes: number) =>
  edit(clone, "docker-compose.yml", (text) => text.replaceAll(/mem_reservation: \S+/g, `mem_reservation: ${Math.round(bytes)}`));

/** Bytes that the host's containers may still take. */
const available = async () => Number(await onHost("staging", "awk '/^MemAvailable/ { print $2 * 1024 }' /proc/meminfo"));

/** Asks both sellers over and over; tells how often one did not answer. */
function startAsking(): () => Promise<{ answered: number; failed: number }> {
  const counts = { answered: 0, failed: 0 };
  const ended = new AbortController();
  const asking = [8125, 8126].map(async (port) => {
    while (!ended.signal.aborted) {
      const answer = await fetch(`http://${stagingHost()}:${port}/sign.txt`, { signal: AbortSignal.timeout(10_000) }).catch(
        () => undefined,
      );
      if (answer?.ok) counts.answered += 1;
      else counts.failed += 1;
      await wait(20);
    }
  });
  return async () => {
    ended.abort();
    await Promise.all(asking);
    return counts;
  };
}

test("where two second generations do not fit at once, services are replaced one at a time, or all of it is undone", async () => {
  await reserve(0.6 * (await available()));
  await publish(clone, "reserves more");
  const stop = startAsking();
  const first = await coldtivate(deploy, { cwd: clone });
  expect(first, first.output).toMatchObject({ exitCode: 0 });
  expect(first.stderr).toMatch(
    new RegExp(`! ${stagingHost()}: the new containers of shop, stall need .* GiB of memory together, and there are .* GiB to spare`),
  );
  const titles = [...first.stderr.matchAll(/ ((?:start|switch|stop) [^\n]*?) +done/g)].map(([, title]) => title);
  expect(titles).toEqual(["shop", "stall"].flatMap((name) => [`start the new ${name}`, `switch ${name}`, `stop the old ${name}`]));

  const before = await readServices("staging", project);
  await edit(clone, "docker-compose.yml", (text) =>
    text.replace(/(stall:\n.*\n    command: ).*/, '$1[sh, -c, "echo out of order; exit 7"]'),
  );
  await edit(clone, "docker-compose.yml", (text) => text.replaceAll(/command: \[python3/g, 'command: [python3, "-u"'));
  await publish(clone, "stall crashes");
  await expectRefusal(deploy, { cwd: clone }, { exitCode: 4, says: ["stop the old shop", "exited with 7", "out of order"] });
  const { answered, failed } = await stop();
  expect({ answered: answered > 100, failed }).toEqual({ answered: true, failed: 0 });
  expect(await readServices("staging", project)).toBe(before);
  await expectRest("staging", project);
});

test("a release of which not even one service fits is refused with the numbers", async () => {
  await reserve(2 * totalmem());
  await publish(clone, "reserves too much");
  const before = await readContainers("staging", project);
  await expectRefusal(
    deploy,
    { cwd: clone },
    {
      exitCode: 3,
      says: [
        "there is not memory enough",
        /shop: .* GiB \(reserved\)/,
        /stall: .* GiB \(reserved\)/,
        "rollout: hold",
        "Nothing was changed",
      ],
    },
  );
  expect(await readContainers("staging", project)).toBe(before);
});

/** Listens until it is killed, in Perl, which every Debian has. */
const listener = (address: string, port: number) =>
  `$s = IO::Socket::INET->new(LocalAddr => "${address}", LocalPort => ${port}, Listen => 1, ReuseAddr => 1) or die; sleep`;

test("ports that others have are named with who has them", async () => {
  await edit(clone, "docker-compose.yml", (text) =>
    text.replace('["8125:8000"]', '["8125:8000", "8127:8000", "127.0.0.1:8128:8000", "8129:8000"]'),
  );
  await publish(clone, "more ports");
  const image = await onHost("staging", "docker inspect --format '{{.Image}}' small-staging-clerk-1");
  await onHost("staging", `docker run --detach --name neighbour --publish 8127:80 ${image} sleep infinity`);
  onTestFinished(async () => void (await onHost("staging", "docker rm --force neighbour")));
  const listen = (address: string, port: number) =>
    onHost("staging", `setsid perl -MIO::Socket::INET -e '${listener(address, port)}' >/dev/null 2>&1 </dev/null & echo $!`);
  const processes = [await listen("0.0.0.0", 8129), await listen("127.0.0.2", 8128)];
  onTestFinished(async () => void (await onHost("staging", `kill ${processes.join(" ")}`)));
  await expect.poll(() => onHost("staging", "grep -ciE ':1FC[01] 00000000:0000 0A' /proc/net/tcp || true")).toBe("2");
  const before = await readContainers("staging", project);
  const { stderr } = await expectRefusal(
    deploy,
    { cwd: clone },
    {
      exitCode: 3,
      says: [
        "tcp port 8127, which shop publishes, is taken by the container neighbour",
        "tcp port 8129, which shop publishes, is taken by a process on the host",
      ],
    },
  );
  expect(stderr).not.toMatch(/port 812[568]/);
  expect(await readContainers("staging", project)).toBe(before);
});

test("images that do not fit on the disk are not pulled", async () => {
  await edit(clone, "web/sign.txt", (text) => `${text}Closed on Sundays.\n`);
  await publish(clone, "another sign");
  const df = "/usr/local/bin/df";
  await onHost("staging", `printf '#!/bin/sh\\nprintf "Avail\\\\n50000000\\\\n"\\n' >${df} && chmod 755 ${df}`);
  onTestFinished(async () => void (await onHost("staging", `rm ${df}`)));
  const before = await readContainers("staging", project);
  await expectRefusal(
    deploy,
    { cwd: clone },
    {
      exitCode: 3,
      says: ["there is not disk enough", /48 MiB are free at \/var\/lib\/(docker|containerd);/, /test\/small\/web: 1 MiB to pull/],
    },
  );
  expect(await readContainers("staging", project)).toBe(before);
});
