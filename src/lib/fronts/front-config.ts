import { writtenNames } from "./header-names.ts";
import type { FrontPort } from "../services/ports.ts";

/** The settings that a front's configuration depends on, apart from the slot that it points at. Times are in milliseconds. */
export interface FrontSettings {
  ports: readonly FrontPort[];
  /** How many containers a slot has. */
  containers: number;
  /** How long connections may go on after a switch. */
  drain: number;
  /** How long the service may be silent while it works on a request. */
  requestTimeout: number;
  /** How long a request may wait while the slot is replaced; absent if the front never holds. */
  holdLimit?: number;
  /**
   * The ports that can be reached from outside this host. On these, only X-Forwarded headers from `trustedProxies` are trusted.
   */
  openPorts: readonly number[];
  trustedProxies: readonly string[];
  /** Whether its networks have IPv6. */
  ipv6: boolean;
  /** Header names in the spelling to use, in addition to the usual ones. */
  headers: readonly string[];
}

type Mode = "http" | "tcp";

const heldRetry = 100;

/**
 * HAProxy's configuration for a front that passes requests on. It is a template:
 *
 * - `@SLOT@` is the slot's host name.
 * - `@INIT@` is how that name is first resolved: `none` when HAProxy boots, because the slot may not exist yet, and `libc,none`
 *   when it reloads.
 * - `@FRONT@` is the service's name.
 * - Before `# @NAMES@` come header names that the host has learnt.
 * - If the host finds out a port's mode, lines that start with `@http:PORT@` or `@tcp:PORT@` are for that mode only.
 */
export function frontConfig(settings: FrontSettings): string {
  return [
    preamble(settings),
    resolvers,
    ...settings.ports.flatMap((port) => [openFrontend(port, settings), ...slotBackends(port, settings)]),
  ].join("\n");
}

/**
 * The configuration while the slot is replaced. Requests wait for a gate, which the open configuration listens on. This is the
 * only way to keep a connection waiting without cutting it.
 */
export function holdConfig(settings: FrontSettings): string {
  const sections = settings.ports.flatMap((port) => {
    const gate = `server gate 127.0.0.1:${gatePort(port, settings)} send-proxy-v2`;
    const waiting = [
      `timeout connect ${heldRetry}ms`,
      `retries ${Math.ceil((settings.holdLimit ?? 0) / heldRetry)}`,
      "no option redispatch",
    ];
    return [
      section(`frontend port-${port.port}`, [
        ...modeLines(port),
        ...bindLines(port, settings),
        ...http2Switch(port, "gate"),
        `default_backend gate-${port.port}`,
      ]),
      section(`backend gate-${port.port}`, [...modeLines(port), ...waiting, gate]),
      ...http2Backend(port, "gate", [...waiting, `${gate} proto h2`]),
    ];
  });
  return [preamble(settings), ...sections].join("\n");
}

function preamble({ drain, requestTimeout, headers }: FrontSettings): string {
  return [
    section("global", [
      "maxconn 8192",
      "nbthread 1",
      // All headers of a request or a response have to fit into the buffer at once.
      "tune.bufsize 65536",
      "tune.http.maxhdr 1000",
      `hard-stop-after ${drain}ms`,
      ...writtenNames(headers).map((name) => `h1-case-adjust ${name.toLowerCase()} ${name}`),
      "# @NAMES@",
    ]),
    section("defaults", [
      "mode http",
      "timeout connect 3s",
      "timeout client 60s",
      `timeout server ${requestTimeout}ms`,
      "timeout tunnel 1h",
      "timeout http-keep-alive 5s",
      "timeout http-request 10s",
      "retries 3",
      // Only this: after any other failure, the request may have been carried out.
      "retry-on conn-failure",
      "option redispatch 1",
      "option idle-close-on-response",
      // A service may close an idle connection just when we would use it again.
      "option http-server-close",
      // Services that see `Connection: close` answer some requests in another way.
      "option http-pretend-keepalive",
      "option http-no-delay",
      // Browsers connect before they have a request to send.
      "option http-ignore-probes",
      ...lenient,
      "option h1-case-adjust-bogus-client",
      "option h1-case-adjust-bogus-server",
      ...ownAnswers,
    ]),
  ].join("\n");
}

/** We do not validate requests and responses for a service. HAProxy 3.1 has other option names for that. */
const lenient = [
  ".if version_atleast(3.1)",
  ...["request", "response"].map((part) => `option accept-unsafe-violations-in-http-${part}`),
  ".else",
  ...["request", "response"].map((part) => `option accept-invalid-http-${part}`),
  ".endif",
];

/**
 * The front's own error pages, for when it cannot reach the service. They are like HAProxy's, with a header that names the front.
 */
const ownAnswers = [
  [502, "Bad Gateway", "The server returned an invalid or incomplete response."],
  [503, "Service Unavailable", "No server is available to handle this request."],
  [504, "Gateway Time-out", "The server didn't respond in time."],
].map(([status, title, text]) => {
  const page = `<html><body><h1>${status} ${title}</h1>\\n${text}\\n</body></html>\\n`;
  return `http-error status ${status} content-type text/html string "${page}" hdr Cache-Control no-cache hdr X-Coldtivate-Front @FRONT@`;
});

// Docker's DNS stops with its daemon, but slots go on running: then the last answer counts. A container that has restarted has
// another address: an address that is missing from a new answer must not count.
const resolvers = section("resolvers docker", [
  "nameserver dns 127.0.0.11:53",
  "resolve_retries 3",
  "timeout resolve 1s",
  "timeout retry 200ms",
  "hold valid 1s",
  ...["nx", "refused", "timeout", "other"].map((answer) => `hold ${answer} 20d`),
  "hold obsolete 0s",
]);

function openFrontend(port: FrontPort, settings: FrontSettings): string {
  const gate = settings.holdLimit === undefined ? [] : [`bind 127.0.0.1:${gatePort(port, settings)} accept-proxy`];
  return section(`frontend port-${port.port}`, [
    ...modeLines(port),
    ...bindLines(port, settings),
    ...gate,
    ...onlyFor("http", port, forwardedLines(port, settings)),
    ...http2Switch(port, "slot"),
    `default_backend slot-${port.port}`,
  ]);
}

function slotBackends(port: FrontPort, { containers }: FrontSettings): string[] {
  const servers = containers === 1 ? "server app" : `server-template app ${containers}`;
  const proxy = port.proxyProtocol ? " send-proxy-v2" : "";
  const server = `${servers} @SLOT@:${port.port} resolvers docker resolve-prefer ipv4 init-addr @INIT@${proxy}`;
  return [section(`backend slot-${port.port}`, [...modeLines(port), server]), ...http2Backend(port, "slot", [`${server} proto h2`])];
}

/** A client that starts with HTTP/2, without an upgrade, knows that the service speaks it. */
function http2Switch(port: FrontPort, kind: "slot" | "gate"): string[] {
  return onlyFor("http", port, [`use_backend ${kind}-h2-${port.port} if { fc_http_major 2 }`]);
}

function http2Backend(port: FrontPort, kind: "slot" | "gate", lines: readonly string[]): string[] {
  return port.mode === "tcp" ? [] : [section(`backend ${kind}-h2-${port.port}`, lines)];
}

/** A TCP connection may be idle for as long as its two ends like. */
function modeLines(port: FrontPort): string[] {
  return onlyFor("tcp", port, ["mode tcp", "timeout tunnel 24h"]);
}

/**
 * Lines for a port in one mode: all of them if the port has that mode, none if it does not, and marked if the mode is not known
 * yet.
 */
function onlyFor(mode: Mode, port: FrontPort, lines: readonly string[]): string[] {
  if (port.mode === "auto") return lines.map((line) => `@${mode}:${port.port}@ ${line}`);
  return port.mode === mode ? [...lines] : [];
}

function bindLines({ port }: FrontPort, { ipv6 }: FrontSettings): string[] {
  return [`bind :${port}`, ...(ipv6 ? [`bind :::${port} v6only`] : [])];
}

/**
 * Sets the X-Forwarded headers.
 *
 * - Requests between containers and from this host: headers stay as the sender wrote them, and only missing ones are added. The
 *   service sees what it would see without a front.
 * - Requests from outside: headers are replaced, unless a trusted proxy wrote them. In that case the front appends to them.
 */
function forwardedLines({ port }: FrontPort, { openPorts, trustedProxies }: FrontSettings): string[] {
  const fill = [
    "http-request set-header X-Forwarded-Proto http if !{ req.hdr(X-Forwarded-Proto) -m found }",
    "http-request set-header X-Forwarded-Host %[req.hdr(Host)] if !{ req.hdr(X-Forwarded-Host) -m found }",
  ];
  if (!openPorts.includes(port)) return ["option forwardfor if-none", ...fill];
  const spoofed = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"];
  const condition = trustedProxies.length > 0 ? " unless trusted" : "";
  return [
    ...(trustedProxies.length > 0 ? [`acl trusted src ${trustedProxies.join(" ")}`] : []),
    "option forwardfor",
    ...spoofed.map((header) => `http-request del-header ${header}${condition}`),
    ...fill,
  ];
}

/** A port for the gate that the service itself does not use. */
function gatePort({ port }: FrontPort, { ports }: FrontSettings): number {
  const used = new Set(ports.map((other) => other.port));
  const free = Array.from({ length: 2 * ports.length }, (_, index) => 8999 - index).filter((candidate) => !used.has(candidate));
  return free[ports.findIndex((other) => other.port === port)] ?? 8999;
}

function section(title: string, lines: readonly string[]): string {
  return [title, ...lines.map((line) => `  ${line}`), ""].join("\n");
}
