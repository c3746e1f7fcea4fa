import { expect, test } from "vitest";
import type { ServiceConfig } from "../../../src/lib/config/schema/config.ts";
import type { ImageFacts } from "../../../src/lib/services/image-facts.ts";
import type { ComposeService } from "../../../src/lib/compose/model.ts";
import { exposedOtherwise, findPorts, otherPorts } from "../../../src/lib/services/ports.ts";

const curl = (url: string): ComposeService => ({ healthcheck: { test: ["CMD", "curl", "-fsS", url] } });
const shell = (command: string): ComposeService => ({ healthcheck: { test: ["CMD-SHELL", command] } });

test.each<[string, ComposeService, ServiceConfig | undefined, string, string]>([
  ["a health check's port", curl("http://localhost:8000/up"), undefined, "8000 http", "port 8000, from its health check"],
  ["its default", curl("http://127.0.0.1/up"), undefined, "80 http", "port 80, from its health check"],
  ["a shell's", shell("wget -qO- 'http://0.0.0.0:5000' || exit 1"), undefined, "5000 http", "port 5000, from its health check"],
  ["one over TLS", curl("https://localhost:8000/"), undefined, "8000 tcp", "port 8000, from its health check"],
  ["one that a variable names", shell("curl http://localhost:$$PORT/up"), undefined, "", "no port is known"],
  ["one of another host", curl("http://example.com:80/"), undefined, "", "no port is known"],
  ["one that is off", { healthcheck: { disable: true, test: ["CMD", "curl", "http://localhost:1"] } }, undefined, "", "no port is known"],
  ["published ports", { ports: [{ target: 443 }, { target: 80 }] }, undefined, "80 auto, 443 tcp", "ports 80 and 443, published"],
  [
    "what a router is told",
    { labels: { "traefik.http.services.shop.loadbalancer.server.port": "3000", "prometheus.port": "9100" } },
    undefined,
    "3000 auto",
    "port 3000, from its labels",
  ],
  [
    "what nginx-proxy is told",
    { environment: { VIRTUAL_HOST: "a.example", VIRTUAL_PORT: "8080" } },
    undefined,
    "8080 auto",
    "from its labels",
  ],
  [
    "what a caddy is told",
    { labels: { caddy: "a.example", "caddy.reverse_proxy": "{{upstreams 5000}}" } },
    undefined,
    "5000 auto",
    "labels",
  ],
  [
    "what a collector is told",
    { labels: { "prometheus.io/port": "9100", "homepage.widget.port": "1" } },
    undefined,
    "",
    "no port is known",
  ],
  ["exposed ports", { expose: ["8000-8002", "53/udp", "6379/tcp"] }, undefined, "6379 tcp, 8000 auto, 8001 auto, 8002 auto", "exposed"],
  ["published before checked", { ...curl("http://localhost:1/"), ports: [{ target: 80 }] }, undefined, "80 auto", "port 80, published"],
  ["both published and exposed", { ports: [{ target: 80 }], expose: ["81"] }, undefined, "80 auto, 81 auto", "published"],
  ["set, and published beside", { ports: [{ target: 80 }] }, { ports: [{ port: 9000 }] }, "9000 auto, 80 auto", "set in coldtivate.yml"],
  ["a mode", curl("http://localhost:8000/"), { mode: "tcp" }, "8000 tcp", "from its health check"],
  ["a port's own mode", {}, { ports: [{ port: 443, mode: "http" }, { port: 1 }], mode: "tcp" }, "1 tcp, 443 http", "set"],
  ["none", {}, undefined, "", "no port is known"],
  ["published and checked by HTTP", { ...curl("http://localhost:8000/"), ports: [{ target: 8000 }] }, undefined, "8000 http", "published"],
  ["an address without a scheme", shell("curl -fs localhost:8000/up || exit 1"), undefined, "8000 http", "from its health check"],
  ["an address without a port", shell("wget -q --spider localhost/up"), undefined, "80 http", "from its health check"],
  [
    "a script's request",
    { healthcheck: { test: ["CMD", "python", "-c", "urlopen('http://127.0.0.1:5000/')"] } },
    undefined,
    "5000 http",
    "from",
  ],
  [
    "a script's connection",
    { healthcheck: { test: ["CMD", "node", "-e", "http.get({ host: 'localhost', port: 3000 })"] } },
    undefined,
    "3000 http",
    "from",
  ],
  ["a request over a socket", shell("curl -f --unix-socket /run/app.sock http://localhost/up"), undefined, "", "no port is known"],
  [
    "a request by the container's name",
    shell("curl -f http://$$HOSTNAME:8000/ || exit 1"),
    undefined,
    "8000 http",
    "from its health check",
  ],
  ["a request by a command's answer", shell("curl -f http://$(hostname -i):8000/"), undefined, "8000 http", "from its health check"],
  ["a request by its host name", { hostname: "api", ...curl("http://api:8000/") }, undefined, "8000 http", "from its health check"],
  ["a connection by its own name", { container_name: "app", ...shell("nc -z app 9000") }, undefined, "9000 auto", "from its health check"],
  ["a connection by nc", shell("nc -z localhost 9000"), undefined, "9000 auto", "port 9000, from its health check"],
  ["a connection by the shell", shell("echo > /dev/tcp/127.0.0.1/9000"), undefined, "9000 auto", "from its health check"],
  ["a probe of gRPC", { healthcheck: { test: ["CMD", "grpc_health_probe", "-addr=:50051"] } }, undefined, "50051 tcp", "from"],
  [
    "a port that a variable gives",
    { ...curl("http://localhost:$${PORT:-80}/up"), environment: { PORT: "8000" } },
    undefined,
    "8000 http",
    "from",
  ],
  [
    "its command's port",
    { command: ["gunicorn", "--bind", "0.0.0.0:8000"] },
    undefined,
    "8000 auto",
    "port 8000, from its command (gunicorn)",
  ],
  ["its command's port, of another protocol", { command: ["uwsgi", "--socket", ":3031"] }, undefined, "3031 tcp", "(uwsgi)"],
  [
    "its command's port, by a variable",
    { command: ["gunicorn", "-b", "0.0.0.0:$$PORT"], environment: { PORT: "7000" } },
    undefined,
    "7000 auto",
    "port 7000, from its command",
  ],
])("%s", (_name, service, config, expected, reason) => {
  const found = findPorts(service, config);
  expect(found.ports.map(({ port, mode }) => `${port} ${mode}`).join(", ")).toBe(expected);
  expect(found.reason).toContain(reason);
});

test.each<[string, string]>([
  ["gunicorn -c conf.py app", "it runs gunicorn, which a file may tell where it listens"],
  ["./server --port 8080", "its command says --port 8080"],
  ["./server -listen :8080", "its command says -listen :8080"],
  ["./server --http.addr=0.0.0.0:8080", "its command says --http.addr=0.0.0.0:8080"],
])("%s takes requests somewhere", (command, hint) => {
  expect(findPorts({ command: command.split(" ") })).toMatchObject({ ports: [], reason: "no port is known", hint });
});

test.each(["./tool --report 80", "gunicorn -b 127.0.0.1:8000 app", "./client --redis-port 6379", "psql -p 5432"])(
  "%s need not",
  (command) => {
    expect(findPorts({ command: command.split(" ") })).toEqual({ ports: [], reason: "no port is known" });
  },
);

const facts = { ports: [], volumes: [], entrypoint: [], command: [], environment: {} };

test.each<[string, ComposeService, Partial<ImageFacts>, string, string]>([
  ["a port that the image exposes", {}, { ports: [5000] }, "5000 auto", "port 5000, exposed by its image"],
  [
    "one that is published beside",
    { ports: [{ target: 8000 }] },
    { ports: [9100] },
    "8000 auto, 9100 auto",
    "ports 8000 and 9100, published",
  ],
  ["the image's command", {}, { command: ["gunicorn", "-b", ":8000"] }, "8000 auto", "from its command (gunicorn)"],
  ["the image's health check", {}, { healthcheck: ["CMD", "curl", "http://localhost:8000"] }, "8000 http", "from its health check"],
  ["PORT", { environment: { PORT: "8080" } }, { command: ["./app"] }, "8080 auto", "port 8080, from PORT"],
  ["PORT of the image", {}, { environment: { PORT: "8080" } }, "8080 auto", "port 8080, from PORT"],
  ["PORT, for another command", { environment: { PORT: "8080" }, command: ["./tool"] }, {}, "", "no port is known"],
  ["another command than the one that the image exposes a port for", { command: ["./tool"] }, { ports: [8000] }, "", "no port is known"],
  [
    "another server than the image's",
    { command: ["uvicorn", "--host", "0.0.0.0", "a:b"] },
    { ports: [80] },
    "8000 auto, 80 auto",
    "from its command (uvicorn)",
  ],
  [
    "a server that is told elsewhere",
    { command: ["gunicorn", "-c", "conf.py", "a:b"] },
    { ports: [80] },
    "80 auto",
    "exposed by its image",
  ],
  [
    "another entrypoint, which takes the image's command away",
    { entrypoint: ["./tool"] },
    { command: ["gunicorn", "-b", ":80"] },
    "",
    "no port",
  ],
])("%s", (_name, service, image, expected, reason) => {
  const found = findPorts(service, {}, { ...facts, ...image });
  expect(found.ports.map(({ port, mode }) => `${port} ${mode}`).join(", ")).toBe(expected);
  expect(found.reason).toContain(reason);
});

test.each([1025, 4317, 9300, 4222, 2181, 2379, 1433, 9042, 7687, 50_051, 5432, 3306, 6379, 27_017, 5672, 9092, 1883, 443, 25])(
  "port %i is passed on as bytes",
  (port) => {
    expect(findPorts({ ports: [{ target: port }] }).ports).toMatchObject([{ port, mode: "tcp" }]);
    expect(findPorts({}, {}, { ...facts, ports: [port] }).ports).toMatchObject([{ port, mode: "tcp" }]);
  },
);

test("ports of other protocols are known for what they are", () => {
  const service: ComposeService = {
    ports: [
      { target: 53, protocol: "udp" },
      { target: 53, protocol: "tcp" },
      { target: 3868, protocol: "sctp" },
    ],
  };
  expect(otherPorts(service)).toEqual(["53/udp", "3868/sctp"]);
  expect(findPorts(service).ports.map(({ port }) => port)).toEqual([53]);
});

test.each<[ComposeService, string[], string[]]>([
  [{ expose: ["8125/udp", "8126", "9000-9001/tcp"] }, [], ["8125/udp"]],
  [{}, ["514/udp", "36412/sctp"], ["514/udp", "36412/sctp"]],
  [{ expose: ["80", "443", "443/udp"] }, [], []],
  [{ ports: [{ target: 443 }] }, ["443/udp"], []],
  [{ expose: ["443/udp"] }, [], ["443/udp"]],
  [{ expose: ["53", "53/udp"] }, [], ["53/udp"]],
])("%j with an image's %j is exposed by another protocol than TCP at %j", (service, image, expected) => {
  expect(exposedOtherwise(service, { ...facts, otherPorts: image })).toEqual(expected);
});

test("no command, health check or variable takes long, however long it is", () => {
  for (const word of ["nc ", "curl ", "sh -c ", "-b ", "http://a@", "/dev/tcp/", "$A "]) {
    const text = word.repeat(500_000 / word.length);
    for (const service of [
      { healthcheck: { test: ["CMD-SHELL", text] }, environment: { A: text } },
      { command: ["sh", "-c", text], environment: { A: text } },
      { command: ["nginx", "$A"], environment: { A: text, PORT: text } },
    ])
      findPorts(service, {}, undefined, "web");
  }
});
