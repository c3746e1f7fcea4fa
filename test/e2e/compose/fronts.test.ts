// The tests build on each other: each goes on from where the one before it came to.
import { afterAll, beforeAll, expect, test } from "vitest";
import { discover, type FoundContainer } from "../../traefik.ts";
import { watchContainers } from "../support/container-watch.ts";
import { onHost } from "../support/hosts.ts";
import { makeProject, type Project } from "../support/projects/compose-project.ts";

/**
 * Serves HTTP at WEB (address:port), and bytes at BYTES, which answer what is no record of theirs with nothing, as FastCGI
 * does; FAIL is a status that everything gets.
 */
const server = `import os, socket, threading
def listen(where, serve):
    host, port = where.rsplit(":", 1)
    listener = socket.create_server((host, int(port)), reuse_port=True)
    def run():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()
    threading.Thread(target=run).start()
def web(connection):
    text = b""
    while b"\\r\\n\\r\\n" not in text:
        more = connection.recv(65536)
        if not more: return
        text += more
    status = os.environ.get("STATUS", "200 OK")
    body = text if text.startswith(b"GET") else b""
    connection.sendall(b"HTTP/1.1 %s\\r\\nX-CamelCase: yes\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n" % (status.encode(), len(body)) + body)
    connection.close()
def raw(connection):
    record = connection.recv(8)
    if record[:1] == b"\\x01": connection.sendall(b"\\x01record")
    connection.close()
if os.environ.get("WEB"): listen(os.environ["WEB"], web)
for where in os.environ.get("BYTES", "").split(): listen(where, raw)
`;

const dockerfile = 'ARG BASE\nFROM ${BASE}\nCOPY server.py /server.py\nCMD ["python3", "/server.py"]\nEXPOSE 9100\n';

const compose = (web: Record<string, string>, more = "") => `services:
  web:
    image: \${CI_REGISTRY_IMAGE}/app:\${CI_COMMIT_REF_SLUG}
    environment: ${JSON.stringify({ WEB: "0.0.0.0:8000", BYTES: "0.0.0.0:9100", ...web })}
    ports: ["127.0.0.1:8350:8000"]
    stop_grace_period: 1s
    labels: { traefik.http.routers.shop.rule: "Host(\`shop.example\`)", traefik.http.services.shop.loadbalancer.server.port: "8000" }
    healthcheck: { test: ["CMD", "python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/')"], interval: 20s, start_period: 20s, start_interval: 500ms }
  php:
    image: \${CI_REGISTRY_IMAGE}/app:\${CI_COMMIT_REF_SLUG}
    environment: { BYTES: "0.0.0.0:9000" }
    expose: ["9000"]
    stop_grace_period: 1s
  asker:
    image: \${CI_REGISTRY_IMAGE}/app:\${CI_COMMIT_REF_SLUG}
    command: [sleep, infinity]
    environment: { METRICS: "tcp://web:9100" }
    depends_on: [web, php]
    stop_grace_period: 0s
${more}`;

let project: Project;

beforeAll(async () => {
  project = await makeProject({
    name: "details",
    images: { app: "./app" },
    files: { "app/Dockerfile": dockerfile, "app/server.py": server, "compose.yaml": compose({}) },
    compose: ["compose.yaml"],
  });
});
afterAll(() => project.remove());

/** What a container of the project is answered with, when it sends bytes there. */
function fromAsker(host: string, port: number, sent: string): Promise<string> {
  const program = `import socket; s = socket.create_connection(("${host}", ${port}), 5); s.sendall(b"${sent}"); print(s.recv(100))`;
  return onHost("staging", `docker exec ${project.project}-asker-1 python3 -c '${program}'`);
}

/** At each moment there was one way to the service, its front; `slots`: which of its containers there were, too. */
function expectOneWay(moments: readonly FoundContainer[][]): string[] {
  const front = `${project.project}-web-1`;
  for (const containers of moments) {
    const { rules, servers, errors } = discover(containers);
    expect({ rule: rules["shop"], servers: servers["shop"], errors: errors.filter((error) => !error.includes("php")) }).toEqual({
      rule: "Host(`shop.example`)",
      servers: [`${front}:8000`],
      errors: [],
    });
    const ways = Object.values(servers).flat();
    expect(ways.filter((way) => /-web-(blue|green)-/.test(way))).toEqual([]);
  }
  const slots = moments.map((containers) => containers.filter(({ name }) => /-web-(blue|green)-/.test(name)));
  return [
    ...new Set(
      slots.map((each) =>
        each
          .map(({ name, health }) => `${name.slice(project.project.length + 1)} ${health}`)
          .toSorted()
          .join(", "),
      ),
    ),
  ];
}

test("services behind fronts are reached as before: in HTTP as it is written, in bytes, and by what finds containers", async () => {
  const { output } = await project.deploy();
  expect(output).toContain("php, port 9000: connections are passed on, byte by byte");
  expect(output).toContain("web, port 9100: connections are passed on, byte by byte");

  expect(await fromAsker("php", 9000, String.raw`\x01\x01\x00\x01\x00\x08\x00\x00`)).toContain("record");
  expect(await fromAsker("web", 9100, String.raw`\x01\x01\x00\x01\x00\x08\x00\x00`)).toContain("record");

  const answer = await onHost("staging", `curl -si -H 'X-Forwarded-Proto: https' -H 'X-Forwarded-For: 203.0.113.7' http://127.0.0.1:8350/`);
  expect(answer).toContain("X-CamelCase: yes");
  expect(answer).toMatch(/^Host: 127\.0\.0\.1:8350/m);
  expect(answer).toMatch(/^X-Forwarded-Proto: https/im);
  expect(answer).toMatch(/^X-Forwarded-For: 203\.0\.113\.7\s*$/im);

  const stop = await watchContainers(project.project);
  expect(expectOneWay(await stop())).toEqual(["web-blue-1 healthy"]);
});

test("what finds containers finds the front alone, at every moment of a switch", async () => {
  await project.change({ "compose.yaml": compose({ EDITION: "2" }) });
  const stop = await watchContainers(project.project);
  await project.deploy();
  const slots = expectOneWay(await stop());
  expect(slots).toContain("web-blue-1 healthy, web-green-1 healthy");
  expect(slots.at(-1)).toBe("web-green-1 healthy");
});

test("a service that nobody reaches any more has the release undone, before a request fails", async () => {
  await project.change({ "compose.yaml": compose({ WEB: "127.0.0.1:8000", BYTES: "" }) });
  const stop = await watchContainers(project.project);
  const { exitCode, output } = await project.run("deploy", "staging");
  expect({ exitCode, output }).toMatchObject({ exitCode: 4 });
  expect(expectOneWay(await stop())).toContain("web-blue-1 healthy, web-green-1 healthy");
  expect(output).toContain("does not listen where its front asks it");
  expect(await onHost("staging", "curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8350/")).toBe("200");
});
