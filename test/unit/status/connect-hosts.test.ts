import { expect, test } from "vitest";
import type { HostConnection } from "../../../src/lib/adapters/ssh/ssh.ts";
import { connectHosts, connectReachable, startConnecting } from "../../../src/lib/environment/connect-hosts.ts";
import { fingerprint, hostAt, otherKey, serve, unpinned } from "../adapters/ssh-fixture.ts";

/** Hosts that answer, and that do not: with a wrong key, and with one that nobody knows. */
async function makeHosts() {
  const server = await serve({
    onExec(_command, channel) {
      channel.exit(0);
      channel.end();
    },
  });
  return {
    good: hostAt(server),
    changed: hostAt(server, { fingerprint: fingerprint(otherKey) }),
    unknown: unpinned(server, { knownHosts: "# none\n" }),
    server,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

interface Refusal {
  message: string;
  details: string[];
  hint: string;
}

const never = new AbortController().signal;

async function ends(connection: HostConnection): Promise<unknown> {
  return connection.exec("true").catch((error: unknown) => error);
}

test("all hosts are connected to, in their order, and each is told of as soon as it is made", async () => {
  await using hosts = await makeHosts();
  const made: HostConnection[] = [];
  await using connected = await connectHosts([hosts.good, hosts.good], {}, (connection) => void made.push(connection));
  expect(connected.connections).toHaveLength(2);
  expect(new Set(made)).toEqual(new Set(connected.connections));
});

test("one host that fails is told in its own words, and the others are let go", async () => {
  await using hosts = await makeHosts();
  const made: HostConnection[] = [];
  await expect(connectHosts([hosts.good, hosts.changed], {}, (connection) => void made.push(connection))).rejects.toMatchObject({
    code: "HOST_KEY_CHANGED",
    exit: "refused",
  });
  expect(made).toHaveLength(1);
  expect(await ends(made[0]!)).toMatchObject({ code: "CONNECTION_LOST" });
});

test("several that fail are told of together, with what to do about each of them", async () => {
  await using hosts = await makeHosts();
  const [changed, unknown] = await Promise.all(
    [hosts.changed, hosts.unknown].map((host) =>
      connectHosts([host], {}).then(
        () => undefined,
        (error: unknown) => error as Refusal,
      ),
    ),
  );
  const failure = await connectHosts([hosts.changed, hosts.good, hosts.unknown], {}).catch((error: unknown) => error as Refusal);
  expect(failure).toMatchObject({
    code: "HOSTS_UNREACHABLE",
    exit: "refused",
    message: "2 of 3 hosts cannot be reached",
    details: [changed, unknown].flatMap((error) => [error?.message, ...(error?.details ?? []).map((line) => `  ${line}`)]),
    hint: `${changed?.hint} ${unknown?.hint}`,
  });
});

test("what to do is told once where it is the same for all", async () => {
  await using hosts = await makeHosts();
  const alone = await connectHosts([hosts.changed], {}).then(
    () => undefined,
    (error: unknown) => error as Refusal,
  );
  await expect(connectHosts([hosts.changed, hosts.changed], {})).rejects.toMatchObject({
    message: "2 of 2 hosts cannot be reached",
    hint: alone?.hint,
  });
});

test("a mistake of ours comes before the hosts' errors", async () => {
  await using hosts = await makeHosts();
  const mistake = new TypeError("a mistake of ours");
  const throwing = () => {
    throw mistake;
  };
  await expect(connectHosts([hosts.changed, hosts.good], {}, throwing)).rejects.toBe(mistake);
});

test("those that can be reached are kept beside the errors of the others, in the order of the hosts", async () => {
  await using hosts = await makeHosts();
  await using reached = await connectReachable([hosts.unknown, hosts.good, hosts.changed], {});
  expect(reached.connections).toHaveLength(1);
  expect(reached.errors).toMatchObject([{ code: "HOST_KEY_UNKNOWN" }, { code: "HOST_KEY_CHANGED" }]);
});

test("connections that are made ahead are closed with what waits for them", async () => {
  await using hosts = await makeHosts();
  let made: readonly HostConnection[];
  {
    await using pending = startConnecting([hosts.good], { signal: never }, () => {});
    made = await pending.made;
  }
  expect(await ends(made[0]!)).toMatchObject({ code: "CONNECTION_LOST" });
});

test("connections that nobody waits for any more are given up, and their errors reach nobody", async () => {
  await using hosts = await makeHosts();
  hosts.server.freeze();
  const pending = startConnecting([hosts.good, hosts.changed], { signal: never }, () => {});
  await pending[Symbol.asyncDispose]();
  await expect(pending.made).rejects.toMatchObject({ name: "AbortError" });
});

test("whoever interrupts is told so, not that a host cannot be reached", async () => {
  await using hosts = await makeHosts();
  const interruption = new Error("interrupted");
  await using pending = startConnecting([hosts.good], { signal: AbortSignal.abort(interruption) }, () => {});
  await expect(pending.made).rejects.toBe(interruption);
});
