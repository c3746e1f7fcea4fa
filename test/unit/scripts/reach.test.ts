import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const parts = new URL("../../../scripts/environment-deployment-management/", import.meta.url).pathname;

/** A container, as the engine shows it: its service, networks with names in them, links there, and what it answers by port. */
interface Container {
  service: string;
  networks?: Record<string, string[]>;
  links?: string[];
  exited?: number;
  answers?: Record<number, string>;
}

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "coldtivate-reach-"));
});
afterEach(() => rmSync(state, { recursive: true }));

/** Looks at hosts one after the other, and says how it ends: what is noted, and the reason why it failed, if it did. */
function reach(subjects: readonly string[], before: readonly Container[], after: readonly Container[], changed = "-"): string[] {
  const release = join(state, "releases/r1");
  mkdirSync(release, { recursive: true });
  writeFileSync(join(release, "who"), `tester\tlaptop\tcommit\tmain\t${changed}\t-\n`);
  const script = `
    set -Eeuo pipefail; shopt -s inherit_errexit nullglob
    state=${state} dir=${release} step=1 undoing=no listen=0
    declare -A journal_facts=()
    journal_has() { [[ -n \${journal_facts["$1"]+x} ]]; }
    tell() { if [[ $2 == seen ]]; then journal_facts["\${3%%=*}"]=\${3#*=}; else printf 'note: %s\\n' "$3"; fi; }
    note() { tell "$@"; }
    log_lines() { cat; }
    is_aborted() { return 1; }
    pause_longer() { :; }
    has_crashed() { return 1; }
    source ${parts}probe.sh
    source ${parts}reach.sh
    source ${parts}verdicts.sh
    SECONDS=0
    # Time flies.
    look_around_for_real=$(declare -f look_around); eval "\${look_around_for_real/look_around/look_really}"
    look_around() { SECONDS=$((SECONDS + 7)); look_really; }
    world() { inspected=$1 saying=$2; }
    inspect_networks() { printf '%s' "$inspected"; }
    probe() {
      local line
      line=$(printf '%s' "$saying" | grep "^$2:$3 ") || return 1
      [[ $1 == knock_at ]] || printf '%s\\n' "\${line#* }" | sed 's/|/\\n/g'
    }
    plan=("reach"$'\\t'60$'\\t'"$(printf '%s\\t' ${subjects.map((subject) => `'${subject}'`).join(" ")})")
    world ${quote(lines(before))} ${quote(answers(before))}
    do_look
    world ${quote(lines(after))} ${quote(answers(after))}
    if do_reach 60 ${subjects.map((subject) => `'${subject}'`).join(" ")}; then printf 'reached\\n'; else printf 'failed: %s\\n' "$reason"; fi`;
  return execFileSync("bash", ["-c", script], { encoding: "utf8" }).trim().split("\n");
}

function quote(text: string): string {
  return `$'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll("\n", "\\n").replaceAll("\t", "\\t")}'`;
}

function lines(containers: readonly Container[]): string {
  return containers
    .map(({ service, networks = { net: [] }, links = [], exited }, index) => {
      const attached = Object.entries(networks).map(
        ([network, names]) =>
          `${network}|${addressOf(service)}|10.0.0.254|${[service, ...names].map((name) => `${name},`).join("")}|${links.join(",")}`,
      );
      return [
        `id${index}`,
        `shop-${service}-1`,
        service,
        exited === undefined ? "running" : "exited",
        exited ?? 0,
        attached.join(" "),
      ].join("\t");
    })
    .join("\n");
}

function addressOf(service: string): string {
  return `10.0.${Buffer.from(service).reduce((sum, letter) => (sum * 31 + letter) % 251, 7)}.1`;
}

function answers(containers: readonly Container[]): string {
  return containers
    .flatMap(({ service, answers: own = {} }) => Object.entries(own).map(([port, text]) => `${addressOf(service)}:${port} ${text}\n`))
    .join("");
}

function front(slot: string, ...ports: string[]): void {
  const own = join(state, "fronts/web");
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, "live"), `${slot}\n`);
  writeFileSync(
    join(own, "haproxy.cfg"),
    ports.map((port) => `frontend port-${port.replace(/\D/g, "")}\n${port.includes("tcp") ? "  mode tcp\n" : ""}  bind :1\n`).join(""),
  );
}

const ok = "HTTP/1.1 200 OK";
const gateway: Container = { service: "gateway", answers: { 80: ok } };

test("where nothing is to be reached, there is nothing to wait for", () => {
  expect(reach([], [], [{ service: "web" }])).toEqual(["reached"]);
  expect(reach([], [], [])).toEqual(["reached"]);
});

describe("names", () => {
  const subject = "gateway>web>base_api>-";
  const named: Container = { service: "web", networks: { net: ["base_api"] } };

  test("that lead to a running container are fine: an alias, a link, a container's name", () => {
    expect(reach([subject], [], [gateway, named])).toEqual(["reached"]);
    expect(reach([subject], [], [{ ...gateway, links: ["shop-web-1:base_api"] }, { service: "web" }])).toEqual(["reached"]);
    expect(reach(["gateway>web>shop-web-1>-"], [], [gateway, { service: "web" }])).toEqual(["reached"]);
  });

  test("that led somewhere and do not any more fail the release, though nothing has touched who asks", () => {
    const linked = { ...gateway, links: ["shop-web-7:base_api"] };
    const expected =
      "failed: gateway cannot reach web by the name base_api: no container of web has that name in a network of shop-gateway-1";
    expect(reach([subject], [gateway, named], [linked, { service: "web" }], "web")).toEqual([expected]);
    expect(reach([subject], [gateway, named], [linked, { service: "web" }])).toEqual([expected]);
    expect(reach([subject], [gateway, named], [gateway, { ...named, networks: { other: ["base_api"] } }])).toEqual([expected]);
  });

  test("that led nowhere before, of services that the release leaves alone, are noted", () => {
    const lost = [gateway, { service: "web" }];
    expect(reach([subject], lost, lost)).toEqual([
      expect.stringMatching(/^note: gateway cannot reach web by the name base_api.*, as before$/),
      "reached",
    ]);
    expect(reach([subject], lost, lost, "web")).toEqual([expect.stringMatching(/^failed: gateway cannot reach web/)]);
  });

  test("of a service that has done its work, or that nobody runs to ask for, are nothing to look at", () => {
    expect(reach([subject], [], [gateway, { ...named, exited: 0 }])).toEqual(["reached"]);
    expect(reach([subject], [], [named])).toEqual(["reached"]);
    expect(reach([subject], [], [gateway, { ...named, exited: 1 }])).toEqual(["failed: gateway cannot reach web: no container of it runs"]);
  });
});

describe("ports", () => {
  const subject = "gateway>web>web>9100";
  const open: Container = { service: "web", answers: { 9100: ok } };

  test("at which somebody listened have to be listened at", () => {
    expect(reach([subject], [gateway, open], [gateway, open])).toEqual(["reached"]);
    expect(reach([subject], [gateway, open], [gateway, { service: "web" }])).toEqual([
      `failed: gateway cannot reach web at web:9100: nothing listens at ${addressOf("web")}, port 9100`,
    ]);
    expect(reach(["web>9100>tcp"], [open], [{ service: "web" }])).toEqual(["failed: web does not listen at port 9100"]);
  });

  test("at which nobody did are noted", () => {
    expect(reach([subject], [gateway, { service: "web" }], [gateway, { service: "web" }])).toEqual([
      expect.stringMatching(/^note: .*, as before$/),
      "reached",
    ]);
    expect(reach([subject], [], [gateway, { service: "web" }])).toEqual([expect.stringMatching(/^note: .*port 9100$/), "reached"]);
  });
});

describe("fronts", () => {
  const slot = (answered: Record<number, string>): Container => ({ service: "web-blue", answers: answered });
  const fronted = (answered: Record<number, string>): Container => ({ service: "web", answers: answered });
  const unreached = "HTTP/1.1 503 Service Unavailable|X-Coldtivate-Front: web";

  test("reach a container behind them", () => {
    front("blue", "8000", "9100 tcp");
    expect(reach(["web"], [], [fronted({ 8000: ok }), slot({ 8000: ok, 9100: "" })])).toEqual(["reached"]);
    expect(reach(["web"], [], [fronted({ 8000: "HTTP/1.1 404 Not Found" }), slot({ 8000: ok })])).toEqual(["reached"]);
  });

  test("that answer in place of what is behind them fail the release", () => {
    front("blue", "8000");
    expect(reach(["web"], [], [fronted({ 8000: unreached }), slot({})])).toEqual([
      `failed: the front of web reaches nothing: web-blue does not answer at port 8000, address ${addressOf("web-blue")}`,
    ]);
    expect(reach(["web"], [], [fronted({ 8000: unreached })])).toEqual([
      "failed: the front of web reaches nothing: no container of web-blue runs",
    ]);
    // What another service's front says is that service's affair: here, of a gateway that answers for it.
    expect(reach(["web"], [], [fronted({ 8000: unreached.replace("web", "api") }), slot({ 8000: ok })])).toEqual(["reached"]);
  });

  test("that still let requests wait fail it, too", () => {
    front("blue", "8000");
    writeFileSync(join(state, "fronts/web/haproxy.cfg"), "frontend port-8000\nbackend gate-8000\n");
    expect(reach(["web"], [], [fronted({ 8000: "" }), slot({ 8000: ok })])).toEqual(["failed: the front of web still has requests wait"]);
  });

  test("that lose one of several ports fail it where it was reached before", () => {
    front("blue", "8000", "9100 tcp");
    const whole = [fronted({ 8000: ok }), slot({ 8000: ok, 9100: "" })];
    expect(reach(["web"], whole, [fronted({ 8000: ok }), slot({ 8000: ok })])).toEqual([
      "failed: web is not reached any more at port 9100, where it was before",
    ]);
    expect(reach(["web"], [fronted({ 8000: ok }), slot({ 8000: ok })], [fronted({ 8000: ok }), slot({ 8000: ok })])).toEqual(["reached"]);
  });
});

describe("answers", () => {
  const bad = (status: string): Container => ({ service: "gateway", answers: { 80: `HTTP/1.1 ${status}` } });

  test.each(["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Time-out"])(
    "of %s where there was another one fail the release",
    (status) => {
      expect(reach(["gateway>80"], [gateway], [bad(status)])).toEqual([
        `failed: gateway answers with ${status.slice(0, 3)} at port 80, where it answered with 200 before: what it passes requests on to is not reached`,
      ]);
      expect(reach(["gateway>80"], [bad(status)], [bad(status)])).toEqual(["reached"]);
    },
  );

  test("that are another, or say when to come back, are the service's own affair", () => {
    expect(reach(["gateway>80"], [gateway], [bad("500 Internal Server Error")])).toEqual(["reached"]);
    expect(reach(["gateway>80"], [gateway], [bad("503 Service Unavailable|Retry-After: 60")])).toEqual(["reached"]);
  });
});

test("what is asked ahead is what asking one by one gives, line for line", async () => {
  const listening = createServer((socket) =>
    socket.on("error", () => {}).end("HTTP/1.1 204 No Content\r\nX-One: a b\r\nX-Two: c\r\n\r\nrest"),
  ).listen(0, "127.0.0.1");
  await once(listening, "listening");
  const { port } = listening.address() as AddressInfo;
  const script = `
    set -Eeuo pipefail; shopt -s inherit_errexit nullglob
    source ${parts}probe.sh; source ${parts}reach.sh; source ${parts}verdicts.sh
    ask_one() { collecting='' ; local out code=0; out=$(probe "$1" 127.0.0.1 "$2" 127.0.0.1 id) || code=$?; printf '%s %s\\n' "$code" "$(paste -sd '|' <<<"$out")"; }
    for question in "ask_at ${port}" "knock_at ${port}" "ask_at 1" "knock_at 1"; do ask_one $question; done
    printf '%s\\n' --
    judge() { set -- $1; probe "$1" 127.0.0.1 "$2" 127.0.0.1 id >/dev/null || true; verdict=ok reason='' found=''; }
    ask_ahead "ask_at ${port}" "knock_at ${port}" "ask_at 1" "knock_at 1"
    printf '%s\\n' "\${#answered[@]}"
    for question in "ask_at ${port}" "knock_at ${port}" "ask_at 1" "knock_at 1"; do ask_one $question; done`;
  const { stdout } = await promisify(execFile)("bash", ["-c", script]);
  listening.close();
  const expected = ["0 HTTP/1.1 204 No Content|X-One: a b|X-Two: c", "0 ", "1 ", "1 "];
  expect(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.trimEnd()),
  ).toEqual([...expected, "--", "4", ...expected].map((line) => line.trimEnd()));
});
