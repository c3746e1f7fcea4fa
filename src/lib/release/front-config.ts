import type { FrontPort } from "./ports.ts";

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
  /** Whether anybody can reach it: then X-Forwarded headers are believed from `trustedProxies` only. */
  isPublished: boolean;
  trustedProxies: readonly string[];
  /** Whether its networks have IPv6. */
  ipv6: boolean;
}

const heldRetry = 100;

/**
 * HAProxy's configuration for a front that passes requests on. `@SLOT@` stands for the slot's host name; `@INIT@` for how
 * that is first resolved: `none` where HAProxy boots, because the slot may not be there yet, `libc,none` where it reloads.
 */
export function frontConfig(settings: FrontSettings): string {
  return [
    preamble(settings),
    resolvers,
    ...settings.ports.flatMap((port) => [openFrontend(port, settings), slotBackend(port, settings)]),
  ].join("\n");
}

/**
 * The configuration while the slot is replaced: what comes waits for a gate, which the open configuration listens on.
 * Nothing else keeps a connection waiting without cutting it.
 */
export function holdConfig(settings: FrontSettings): string {
  const sections = settings.ports.flatMap((port) => [
    section(`frontend port-${port.port}`, [...modeLines(port), ...bindLines(port, settings), `default_backend gate-${port.port}`]),
    section(`backend gate-${port.port}`, [
      ...modeLines(port),
      `timeout connect ${heldRetry}ms`,
      `retries ${Math.ceil((settings.holdLimit ?? 0) / heldRetry)}`,
      "no option redispatch",
      `server gate 127.0.0.1:${gatePort(port, settings)} send-proxy-v2`,
    ]),
  ]);
  return [preamble(settings), ...sections].join("\n");
}

function preamble({ drain, requestTimeout }: FrontSettings): string {
  return [
    section("global", ["maxconn 8192", "nbthread 1", "tune.bufsize 32768", `hard-stop-after ${drain}ms`]),
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
      "option http-no-delay",
    ]),
  ].join("\n");
}

// Docker's DNS dies with its daemon, which the slot survives: what it said last counts. A container that has restarted has
// another address: what it no longer says must not.
const resolvers = section("resolvers docker", [
  "nameserver dns 127.0.0.11:53",
  "resolve_retries 3",
  "timeout resolve 200ms",
  "timeout retry 200ms",
  "hold valid 200ms",
  ...["nx", "refused", "timeout", "other"].map((answer) => `hold ${answer} 20d`),
  "hold obsolete 0s",
]);

function openFrontend(port: FrontPort, settings: FrontSettings): string {
  const gate = settings.holdLimit === undefined ? [] : [`bind 127.0.0.1:${gatePort(port, settings)} accept-proxy`];
  return section(`frontend port-${port.port}`, [
    ...modeLines(port),
    ...bindLines(port, settings),
    ...gate,
    ...(port.mode === "http" ? forwardedLines(settings) : []),
    `default_backend slot-${port.port}`,
  ]);
}

function slotBackend(port: FrontPort, { containers }: FrontSettings): string {
  const servers = containers === 1 ? "server app" : `server-template app ${containers}`;
  const proxy = port.proxyProtocol ? " send-proxy-v2" : "";
  return section(`backend slot-${port.port}`, [
    ...modeLines(port),
    `${servers} @SLOT@:${port.port} resolvers docker resolve-prefer ipv4 init-addr @INIT@${proxy}`,
  ]);
}

/** A TCP connection may be silent for as long as its two ends like. */
function modeLines({ mode }: FrontPort): string[] {
  return mode === "tcp" ? ["mode tcp", "timeout tunnel 24h"] : [];
}

function bindLines({ port }: FrontPort, { ipv6 }: FrontSettings): string[] {
  return [`bind :${port}`, ...(ipv6 ? [`bind :::${port} v6only`] : [])];
}

/**
 * Between containers the headers stay as the one before wrote them, and only what is missing is added: the service sees
 * what it saw without a front. From outside they are replaced, unless a trusted proxy wrote them: then it is appended to.
 */
function forwardedLines({ isPublished, trustedProxies }: FrontSettings): string[] {
  const fill = [
    "http-request set-header X-Forwarded-Proto http if !{ req.hdr(X-Forwarded-Proto) -m found }",
    "http-request set-header X-Forwarded-Host %[req.hdr(Host)] if !{ req.hdr(X-Forwarded-Host) -m found }",
  ];
  if (!isPublished) return ["option forwardfor if-none", ...fill];
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
