import { createServer } from "node:http";
import { expect, test } from "vitest";
import { listProject } from "../../../src/lib/adapters/host/docker-remote.ts";
import { connect } from "../../../src/lib/adapters/ssh/ssh.ts";
import { giveEachTestADirectory, hostAt, serve } from "./ssh-fixture.ts";

giveEachTestADirectory();

const { signal } = new AbortController();

test("Docker's API is spoken over the connection, as often as one likes", async () => {
  const paths: string[] = [];
  const daemon = createServer((asked, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ asked: asked.url }));
  });
  await using server = await serve({
    onSocket(path, channel) {
      paths.push(path);
      const nothing = () => channel;
      daemon.emit("connection", Object.assign(channel, { setTimeout: nothing, setNoDelay: nothing, setKeepAlive: nothing }));
    },
  });
  await using connection = await connect(hostAt(server));
  const filters = encodeURIComponent('{"label":["com.docker.compose.project=shop-staging"]}');
  for (let time = 0; time < 3; time++)
    expect(await listProject(connection, "shop-staging", { signal })).toEqual({ asked: `/containers/json?all=true&filters=${filters}` });
  await listProject(connection, "shop-staging", { signal, socket: "/run/user/1000/docker.sock" });
  expect(paths).toEqual([...Array<string>(3).fill("/var/run/docker.sock"), "/run/user/1000/docker.sock"]);
});

test("a Docker socket that cannot be reached is an error that says so", async () => {
  await using server = await serve();
  await using connection = await connect(hostAt(server));
  await expect(listProject(connection, "shop", { signal })).rejects.toMatchObject({ code: "SOCKET_UNREACHABLE", exit: "refused" });
});

test("an engine that says nothing, or that it cannot, is an error that says so", async () => {
  const answers = ["", "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 10\r\n\r\nno \u001b[2Kway"];
  await using server = await serve({ onSocket: (_path, channel) => void channel.write(answers.shift() ?? "") });
  await using connection = await connect(hostAt(server));
  await expect(listProject(connection, "shop", { signal, timeout: 50 })).rejects.toMatchObject({ code: "HOST_SILENT" });
  await expect(listProject(connection, "shop", { signal })).rejects.toMatchObject({
    code: "HOST_ANSWER",
    message: expect.stringMatching(/500 no +\[2Kway/) as string,
  });
});

test("a connection that is lost ends what Docker was asked", async () => {
  await using server = await serve({ onSocket: () => server.drop() });
  const connection = await connect(hostAt(server));
  await expect(listProject(connection, "shop", { signal })).rejects.toMatchObject({ code: "CONNECTION_LOST" });
  await expect(listProject(connection, "shop", { signal })).rejects.toMatchObject({ code: "CONNECTION_LOST" });
  await connection.close();
});
