import { writtenNames } from "./header-names.ts";
import type { FrontPort } from "../services/ports.ts";

/** What a front's configuration depends on, beside the slot that it points at. Times are in milliseconds. */
export interface FrontSettings {
  ports: readonly FrontPort[];
  /** How many containers a slot has. */
  containers: number;
  /** How long connections may go on after a switch. */
  drain: number;
  /** How long the service may be silent while it works on a request. */
  requestTimeout: number;
  /** How long a request may wait while the slot is replaced; absent: the front never holds. */
  holdLimit?: number;
  /** The ports that others than this host can reach: there X-Forwarded headers are believed from `trustedProxies` only. */
  openPorts: readonly number[];
  trustedProxies: readonly string[];
  /** Whether its networks have IPv6. */
  ipv6: boolean;
  /** Names of headers as they are to be written, beside the usual ones. */
  headers: readonly string[];
}

type Mode = "http" | "tcp";

const heldRetry = 100;

/**
 * HAProxy's configuration for a front that passes requests on. It is a template: `@SLOT@` stands for the slot's host name;
 * `@INIT@` for how that is first resolved: `none` where HAProxy boots, because the slot may not be there yet, `libc,none`
 * where it reloads; `@FRONT@` for the service's name. Before `# @NAMES@` come names of headers that the host has learnt. Of a
 * port whose mode is found out on the host, lines begin with `@http:PORT@` or `@tcp:PORT@` that are for one mode alone.
 */
export function frontConfig(settings: FrontSettings): string {
  return [
    preamble(settings),
    resolvers,
    ...settings.ports.flatMap((port) => [openFrontend(port, settings), ...slotBackends(port, settings)]),
  ].join("\n");
}

/**
 * The configuration while the slot is replaced: what comes waits for a gate, which the open configuration listens on.
 * Nothing else keeps a connection waiting without cutting it.
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
      // The headers of a request, or of an answer, have to fit in at once.
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
      // Nothing more: after any other failure the request may have been carried out.
      "retry-on conn-failure",
      "option redispatch 1",
      "option idle-close-on-response",
      // A service may close an idle connection in the moment in which it would be used again.
      "option http-server-close",
      // One that hears of this answers some requests in another way.
      "option http-pretend-keepalive",
      "option http-no-delay",
      // Browsers connect before they have anything to ask.
      "option http-ignore-probes",
      ...lenient,
      "option h1-case-adjust-bogus-client",
      "option h1-case-adjust-bogus-server",
      ...ownAnswers,
    ]),
  ].join("\n");
}

/** What a service makes of a request is its own business; HAProxy 3.1 has other words for that. */
const lenient = [
  ".if version_atleast(3.1)",
  ...["request", "response"].map((part) => `option accept-unsafe-violations-in-http-${part}`),
  ".else",
  ...["request", "response"].map((part) => `option accept-invalid-http-${part}`),
  ".endif",
];

/** What the front itself answers where it reaches nothing behind it: as HAProxy does, with a header that says whose front. */
const ownAnswers = [
  [502, "Bad Gateway", "The server returned an invalid or incomplete response."],
  [503, "Service Unavailable", "No server is available to handle this request."],
  [504, "Gateway Time-out", "The server didn't respond in time."],
].map(([status, title, text]) => {
  const page = `<html><body><h1>${status} ${title}</h1>\\n${text}\\n</body></html>\\n`;
  return `http-error status ${status} content-type text/html string "${page}" hdr Cache-Control no-cache hdr X-Coldtivate-Front @FRONT@`;
});

// Docker's DNS dies with its daemon, which the slot survives: what it said last counts. A container that has restarted has
// another address: what it no longer says must not.
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

/** A client that begins with HTTP/2, without an upgrade, knows that the service speaks it. */
function http2Switch(port: FrontPort, kind: "slot" | "gate"): string[] {
  return onlyFor("http", port, [`use_backend ${kind}-h2-${port.port} if { fc_http_major 2 }`]);
}

function http2Backend(port: FrontPort, kind: "slot" | "gate", lines: readonly string[]): string[] {
  return port.mode === "tcp" ? [] : [section(`backend ${kind}-h2-${port.port}`, lines)];
}

/** A TCP connection may be silent for as long as its two ends like. */
function modeLines(port: FrontPort): string[] {
  return onlyFor("tcp", port, ["mode tcp", "timeout tunnel 24h"]);
}

/** Lines for a port in one mode: all where that is its mode, none where it is not, marked where that is not known yet. */
function onlyFor(mode: Mode, port: FrontPort, lines: readonly string[]): string[] {
  if (port.mode === "auto") return lines.map((line) => `@${mode}:${port.port}@ ${line}`);
  return port.mode === mode ? [...lines] : [];
}

function bindLines({ port }: FrontPort, { ipv6 }: FrontSettings): string[] {
  return [`bind :${port}`, ...(ipv6 ? [`bind :::${port} v6only`] : [])];
}

/**
 * Between containers, and from this host, the headers stay as the one before wrote them, and only what is missing is added:
 * the service sees what it saw without a front. From outside they are replaced, unless a trusted proxy wrote them: then it
 * is appended to.
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

/** A port for the gate that the service does not use itself. */
function gatePort({ port }: FrontPort, { ports }: FrontSettings): number {
  const used = new Set(ports.map((other) => other.port));
  const free = Array.from({ length: 2 * ports.length }, (_, index) => 8999 - index).filter((candidate) => !used.has(candidate));
  return free[ports.findIndex((other) => other.port === port)] ?? 8999;
}

function section(title: string, lines: readonly string[]): string {
  return [title, ...lines.map((line) => `  ${line}`), ""].join("\n");
}
