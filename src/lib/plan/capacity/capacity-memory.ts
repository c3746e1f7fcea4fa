import { slotName } from "../../fronts/fronts.ts";
import type { HostState } from "../../host/host-state.ts";
import { replicas, type ComposeService } from "../../compose/model.ts";
import type { Rendered } from "../../release/rendered.ts";
import { formatBytes, mebibyte, type Shortage } from "./capacity.ts";
import type { ServiceWork } from "../steps/compare-services.ts";
import { few } from "../steps/step.ts";

/** The memory of a new front, and of a service without known use. */
const frontMemory = 15 * mebibyte;
const unknownMemory = 64 * mebibyte;

/** Memory that must stay free: this share of the total, or this amount, whichever is more. */
const reservedPart = 0.05;
const leastReserve = 64 * mebibyte;

/** The memory of a service's new containers. */
export interface MemoryNeed {
  service: string;
  bytes: number;
  /** Where the number comes from, in the user's words. */
  source: string;
}

/** Whether there is enough memory for what a release starts beside the running containers. */
export interface MemoryJudgement {
  /** Whether all second generations fit at once, only one at a time, or not even one. */
  way: "together" | "in turn" | "short";
  /** Needs that pass: second generations run beside the old containers only until those stop. */
  passing: MemoryNeed[];
  /** Needs that last: new services and new fronts. */
  lasting: MemoryNeed[];
  available: number;
  /** Bytes that must stay free. */
  reserve: number;
}

interface Facts {
  rendered: Rendered;
  state: HostState;
}

/**
 * Judges whether a release fits beside what runs; undefined if the host's memory is unknown. A memory limit does not count as a
 * need: it is what a service may use, not what it does use.
 */
export function judgeMemory(works: readonly ServiceWork[], facts: Facts): MemoryJudgement | undefined {
  const memory = facts.state.capacity?.memory;
  if (memory === undefined) return undefined;
  const started = works.filter(({ isReplaced }) => isReplaced);
  const isSecond = ({ service, change }: ServiceWork) => change === "update" && facts.rendered.services[service]?.rollout === "blue-green";
  const passing = started.filter(isSecond).map(({ service }) => needOf(service, facts));
  const lasting = started.filter(({ change }) => change === "create").map(({ service }) => needOf(service, facts));
  const fronts = works
    .filter(({ front }) => front === "make" || front === "move" || front === "join")
    .map(({ service }) => `the front of ${service}`);
  for (const service of fronts) lasting.push({ service, bytes: frontMemory, source: "new" });

  const reserve = Math.max(memory.total * reservedPart, leastReserve);
  const spare = memory.available - reserve - sum(lasting);
  const most = Math.max(0, ...passing.map(({ bytes }) => bytes));
  const judgement = { passing, lasting, available: memory.available, reserve };
  if (passing.length + lasting.length === 0 || sum(passing) <= spare) return { way: "together", ...judgement };
  return { way: most <= spare && passing.length > 1 ? "in turn" : "short", ...judgement };
}

/** Says why services are replaced one at a time; undefined if they are not. */
export function memoryNote(host: string, { way, passing, lasting, available, reserve }: MemoryJudgement): string | undefined {
  if (way !== "in turn") return undefined;
  const spare = available - reserve - sum(lasting);
  return (
    `${host}: the new containers of ${few(passing.map(({ service }) => service))} need ${formatBytes(sum(passing))} of memory together, and there are ` +
    `${formatBytes(spare)} to spare: they are replaced one service at a time`
  );
}

/** What is missing if not even one service at a time fits; undefined if it does. */
export function memoryShortage(host: string, { way, passing, lasting, available, reserve }: MemoryJudgement): Shortage | undefined {
  if (way !== "short") return undefined;
  const biggest = passing.toSorted((a, b) => b.bytes - a.bytes)[0];
  return {
    code: "MEMORY_SHORT",
    details: [
      `${host}: ${formatBytes(available)} of memory are available, of which ${formatBytes(reserve)} are to stay free`,
      ...(passing.length > 0 ? ["beside what serves, one at a time:", ...passing.map(formatNeed)] : []),
      ...(lasting.length > 0 ? ["new, and to stay:", ...lasting.map(formatNeed)] : []),
    ],
    advice:
      biggest === undefined
        ? "Free memory there, or give the host more."
        : `Free memory there, or set \`rollout: hold\` or \`recreate\` for ${biggest.service} in coldtivate.yml: then its old containers end before the new ones start.`,
  };
}

function formatNeed({ service, bytes, source }: MemoryNeed): string {
  return `  ${service}: ${formatBytes(bytes)} (${source})`;
}

/** The larger of what its running containers use and what is reserved for it. */
function needOf(service: string, { rendered, state }: Facts): MemoryNeed {
  const [slot] = rendered.fronts[service]?.slots ?? [];
  const wanted = rendered.model.services[slot === undefined ? service : slotName(service, slot)] ?? {};
  const live = state.fronts[service];
  const serving = live === undefined ? service : slotName(service, live);
  const used = Math.max(
    0,
    ...state.containers
      .filter((container) => container.service === serving && !container.oneOff)
      .map(({ id }) => state.capacity?.used[id] ?? 0),
  );
  const reserved = reservation(wanted);
  const [each, source] = reserved > used ? [reserved, "reserved"] : used > 0 ? [used, "what it uses now"] : [unknownMemory, "assumed"];
  const count = replicas(wanted);
  return { service, bytes: each * count, source: count > 1 ? `${source}, ${count} containers` : source };
}

/** Bytes that a service reserves for each container; 0 if none. */
function reservation({ mem_reservation: own, deploy }: ComposeService): number {
  return Math.max(bytesOf(own), bytesOf(deploy?.resources?.reservations?.memory));
}

/** Compose writes bytes; people write `512m`. */
function bytesOf(written: string | number | undefined = 0): number {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i.exec(String(written)) ?? [];
  return number === undefined ? 0 : Number(number) * 1024 ** " kmgt".indexOf(unit.toLowerCase() || " ");
}

function sum(needs: readonly MemoryNeed[]): number {
  return needs.reduce((total, { bytes }) => total + bytes, 0);
}
