import { expect, test } from "vitest";
import type { ServiceConfig } from "../../../src/lib/config/config.ts";
import type { ComposeService } from "../../../src/lib/release/model.ts";
import { findPorts, udpPorts } from "../../../src/lib/release/ports.ts";

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
  ["published ports", { ports: [{ target: 443 }, { target: 80 }] }, undefined, "80 http, 443 tcp", "ports 80 and 443, published"],
  ["exposed ports", { expose: ["8000-8002", "53/udp", "6379/tcp"] }, undefined, "6379 tcp, 8000 http, 8001 http, 8002 http", "exposed"],
  ["published before checked", { ...curl("http://localhost:1/"), ports: [{ target: 80 }] }, undefined, "80 http", "port 80, published"],
  ["both published and exposed", { ports: [{ target: 80 }], expose: ["81"] }, undefined, "80 http, 81 http", "published"],
  ["set, and published beside", { ports: [{ target: 80 }] }, { ports: [{ port: 9000 }] }, "80 http, 9000 http", "set in coldtivate.yml"],
  ["a mode", curl("http://localhost:8000/"), { mode: "tcp" }, "8000 tcp", "from its health check"],
  ["a port's own mode", {}, { ports: [{ port: 443, mode: "http" }, { port: 1 }], mode: "tcp" }, "1 tcp, 443 http", "set"],
  ["none", {}, undefined, "", "no port is known"],
])("%s", (_name, service, config, expected, reason) => {
  const found = findPorts(service, config);
  expect(found.ports.map(({ port, mode }) => `${port} ${mode}`).join(", ")).toBe(expected);
  expect(found.reason).toContain(reason);
});

test("UDP ports are known for what they are", () => {
  const service: ComposeService = {
    ports: [
      { target: 53, protocol: "udp" },
      { target: 53, protocol: "tcp" },
    ],
  };
  expect(udpPorts(service)).toEqual([53]);
  expect(findPorts(service).ports.map(({ port }) => port)).toEqual([53]);
});
