import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { frontConfig, holdConfig, type FrontSettings } from "../../../src/lib/fronts/front-config.ts";
import { haproxy } from "./haproxy.ts";

const settings: FrontSettings = {
  ports: [{ port: 8000, mode: "http", proxyProtocol: false }],
  containers: 1,
  drain: 30_000,
  requestTimeout: 600_000,
  openPorts: [],
  headers: [],
  trustedProxies: [],
  ipv6: false,
};

const several: FrontSettings = {
  ...settings,
  ports: [
    { port: 80, mode: "http", proxyProtocol: false },
    { port: 443, mode: "tcp", proxyProtocol: true },
    { port: 8999, mode: "tcp", proxyProtocol: false },
  ],
  containers: 3,
  holdLimit: 45_050,
  openPorts: [80],
  trustedProxies: ["10.0.0.0/8", "fd00::/8"],
  ipv6: true,
};

const unknown: FrontSettings = { ...settings, ports: [{ port: 9100, mode: "auto", proxyProtocol: false }], holdLimit: 60_000 };

/** The lines of a section. */
function section(config: string, title: string): string[] {
  return (config.split(/\n(?=\S)/).find((part) => part.startsWith(`${title}\n`)) ?? "")
    .split("\n")
    .slice(1)
    .map((line) => line.trim())
    .filter(Boolean);
}

/** What the host makes of a template, once it knows the mode of a port. */
function choose(config: string, port: number, mode: "http" | "tcp"): string {
  const other = mode === "http" ? "tcp" : "http";
  return config.replaceAll(new RegExp(`^ *@${other}:${port}@.*\n`, "gm"), "").replaceAll(`@${mode}:${port}@ `, "");
}

describe("the configuration of a front", () => {
  test("points at the slot by its name, of which Docker's last word counts", () => {
    expect(section(frontConfig(settings), "backend slot-8000")).toEqual([
      "server app @SLOT@:8000 resolvers docker resolve-prefer ipv4 init-addr @INIT@",
    ]);
    expect(section(frontConfig(settings), "resolvers docker")).toEqual(
      expect.arrayContaining(["hold nx 20d", "hold timeout 20d", "hold obsolete 0s"]),
    );
  });

  test("cuts what does not finish, at the drain's limit, and repeats nothing that may have been carried out", () => {
    const config = frontConfig({ ...settings, drain: 1500 });
    expect(section(config, "global")).toContain("hard-stop-after 1500ms");
    expect(section(config, "defaults")).toEqual(expect.arrayContaining(["retry-on conn-failure", "option idle-close-on-response"]));
  });

  test("between containers adds only the headers that are missing", () => {
    expect(section(frontConfig(settings), "frontend port-8000")).toEqual([
      "bind :8000",
      "option forwardfor if-none",
      "http-request set-header X-Forwarded-Proto http if !{ req.hdr(X-Forwarded-Proto) -m found }",
      "http-request set-header X-Forwarded-Host %[req.hdr(Host)] if !{ req.hdr(X-Forwarded-Host) -m found }",
      "use_backend slot-h2-8000 if { fc_http_major 2 }",
      "default_backend slot-8000",
    ]);
  });

  test("from outside believes only trusted proxies", () => {
    const untrusted = section(frontConfig({ ...settings, openPorts: [8000] }), "frontend port-8000");
    expect(untrusted).toContain("http-request del-header X-Forwarded-For");
    const trusted = section(frontConfig(several), "frontend port-80");
    expect(trusted).toEqual(
      expect.arrayContaining(["acl trusted src 10.0.0.0/8 fd00::/8", "http-request del-header X-Forwarded-For unless trusted"]),
    );
  });

  test("of a TCP port passes connections on, with the client's address where it is wanted", () => {
    const config = frontConfig(several);
    expect(section(config, "frontend port-443")).toEqual([
      "mode tcp",
      "timeout tunnel 24h",
      "bind :443",
      "bind :::443 v6only",
      "bind 127.0.0.1:8997 accept-proxy",
      "default_backend slot-443",
    ]);
    expect(section(config, "backend slot-443").at(-1)).toBe(
      "server-template app 3 @SLOT@:443 resolvers docker resolve-prefer ipv4 init-addr @INIT@ send-proxy-v2",
    );
  });

  test("of a port whose mode is found out on the host has the lines of both modes", () => {
    const auto = { ...settings, ports: [{ port: 9100, mode: "auto" as const, proxyProtocol: false }], holdLimit: 1000 };
    for (const config of [frontConfig(auto), holdConfig(auto)]) {
      for (const mode of ["http", "tcp"] as const) {
        const fixed = { ...auto, ports: [{ port: 9100, mode, proxyProtocol: false }] };
        const wanted = config === holdConfig(auto) ? holdConfig(fixed) : frontConfig(fixed);
        for (const title of ["frontend port-9100", "backend slot-9100", "backend gate-9100"])
          expect(section(choose(config, 9100, mode), title)).toEqual(section(wanted, title));
      }
    }
  });

  test("knows which of its ports others than the host can reach", () => {
    const open = frontConfig({
      ...several,
      openPorts: [80],
      ports: [...several.ports, { port: 8000, mode: "http", proxyProtocol: false }],
    });
    expect(section(open, "frontend port-80")).toContain("option forwardfor");
    expect(section(open, "frontend port-8000")).toContain("option forwardfor if-none");
  });

  test("writes each name of a header in one way, its own before the usual one", () => {
    const config = section(frontConfig({ ...settings, headers: ["X-CamelCase", "x-request-ID", "x-camelCASE"] }), "global");
    expect(config.filter((line) => line.startsWith("h1-case-adjust x-camelcase "))).toEqual(["h1-case-adjust x-camelcase x-camelCASE"]);
    expect(config).toEqual(expect.arrayContaining(["h1-case-adjust x-request-id x-request-ID", "h1-case-adjust etag ETag"]));
    const names = config.flatMap((line) => /^h1-case-adjust (\S+) /.exec(line)?.[1] ?? []);
    expect(new Set(names).size).toBe(names.length);
  });

  test("while it holds leads to the gates that the open one listens on, for as long as the limit is", () => {
    const held = holdConfig(several);
    const open = frontConfig(several);
    for (const port of [80, 443, 8999]) {
      const gate = /server gate (\S+)/.exec(section(held, `backend gate-${port}`).join("\n"))?.[1];
      expect(section(open, `frontend port-${port}`)).toContain(`bind ${gate} accept-proxy`);
    }
    expect(section(held, "backend gate-80")).toContain("retries 451");
    expect(section(held, "backend gate-h2-80")).toContain("retries 451");
    expect(held).not.toContain("set-header");
    expect(new Set(open.match(/bind 127\S+/g)).size).toBe(3);
    expect(open).not.toContain("bind 127.0.0.1:8999 accept");
  });
});

describe("HAProxy itself", () => {
  test.each([
    ["the usual one", frontConfig(settings)],
    ["one with everything", frontConfig(several)],
    ["one that holds", holdConfig(several)],
    ["one of a port that speaks HTTP, as was found out", choose(frontConfig(unknown), 9100, "http")],
    ["one of a port that does not", choose(frontConfig(unknown), 9100, "tcp")],
    ["one that holds requests, as was found out", choose(holdConfig(unknown), 9100, "http")],
    ["one that holds connections", choose(holdConfig(unknown), 9100, "tcp")],
  ])("accepts %s", (_name, config) => {
    const directory = mkdtempSync(join(tmpdir(), "coldtivate-front-"));
    const path = join(directory, "haproxy.cfg");
    writeFileSync(path, config.replaceAll("@SLOT@", "web-blue").replaceAll("@INIT@", "none").replaceAll("@FRONT@", "web"));
    try {
      expect(execFileSync(haproxy, ["-c", "-V", "-f", path], { encoding: "utf8", stdio: "pipe" })).toContain("valid");
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
