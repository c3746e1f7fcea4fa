import { createServer } from "node:http";
import { expect, test } from "vitest";
import { openDocker } from "../../../src/lib/adapters/docker-remote.ts";
import { connect } from "../../../src/lib/adapters/ssh.ts";
import { hostAt, serve } from "./ssh-world.ts";

test("Docker's API is spoken over the connection, with streams that are used again", async () => {
  const paths: string[] = [];
  const daemon = createServer((request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ Version: request.url }));
  });
  await using server = await serve({
    onSocket(path, channel) {
      paths.push(path);
      const nothing = () => channel;
      daemon.emit("connection", Object.assign(channel, { setTimeout: nothing, setNoDelay: nothing, setKeepAlive: nothing }));
    },
  });
  await using connection = await connect(hostAt(server));
  const docker = openDocker(connection);
  for (let request = 0; request < 3; request++) expect((await docker.version()).Version).toMatch(/version$/);
  expect(paths).toEqual(["/var/run/docker.sock"]);
});

test("a Docker socket that cannot be reached is an error that says so", async () => {
  await using server = await serve();
  await using connection = await connect(hostAt(server));
  await expect(openDocker(connection).version()).rejects.toMatchObject({ code: "SOCKET_UNREACHABLE", exit: "refused" });
});

test("a connection that is lost ends what Docker was asked", async () => {
  await using server = await serve({ onSocket: () => server.drop() });
  const connection = await connect(hostAt(server));
  const docker = openDocker(connection);
  await expect(docker.version()).rejects.toMatchObject({ code: "CONNECTION_LOST" });
  await expect(docker.version()).rejects.toMatchObject({ code: "CONNECTION_LOST" });
  await connection.close();
});
