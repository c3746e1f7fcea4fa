import { replicas, type ComposeModel } from "../compose/model.ts";
import type { Digest } from "../compose/sources.ts";

/** By slot and network: its address. */
export type SlotAddresses = ReadonlyMap<string, Readonly<Record<string, string>>>;

/**
 * Chooses addresses for slots in networks where services have fixed addresses. The engine gives a container without one the
 * lowest free address, which may be that of a service that starts later. The address depends on the slot's name, so it stays the
 * same.
 *
 * @param slots names of slots, by service
 */
export function slotAddresses(model: ComposeModel, slots: ReadonlyMap<string, readonly string[]>, digest: Digest): SlotAddresses {
  const found = new Map<string, Record<string, string>>();
  for (const network of Object.keys(model.networks ?? {})) {
    const room = roomIn(network, model);
    if (room === undefined) continue;
    for (const [service, names] of [...slots].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
      const written = model.services[service] ?? {};
      // Several containers cannot have one address.
      if (!(network in (written.networks ?? {})) || replicas(written) > 1) continue;
      for (const name of names) {
        const address = freeAddress(room, Number.parseInt(digest(name).slice(0, 8), 16));
        if (address !== undefined) found.set(name, { ...found.get(name), [network]: address });
      }
    }
  }
  return found;
}

interface Room {
  /** The first address of the upper half, and the number of addresses from there on, without the last one. */
  first: number;
  size: number;
  taken: Set<number>;
}

/** Undefined if any address will do. */
function roomIn(network: string, { networks = {}, services }: ComposeModel): Room | undefined {
  const own = Object.values(services).flatMap(({ networks: attached = {} }) => attached[network]?.ipv4_address ?? []);
  const subnets = subnetsOf(networks[network]).filter(({ subnet }) => /^[\d.]+\/\d+$/.test(subnet));
  const [config, ...more] = subnets;
  if (own.length === 0 || config === undefined || more.length > 0 || config.hasRange) return undefined;
  const [address = "", bits = ""] = config.subnet.split("/");
  const whole = 2 ** (32 - Number(bits));
  const first = Math.floor(numberOf(address) / whole) * whole + whole / 2;
  return { first, size: whole / 2 - 1, taken: new Set([...own, ...config.reserved].map(numberOf)) };
}

function freeAddress({ first, size, taken }: Room, wish: number): string | undefined {
  // In a small network, half of it is needed for its services.
  if (size < 7) return undefined;
  for (let step = 0; step < size; step++) {
    const address = first + ((wish + step) % size);
    if (taken.has(address)) continue;
    taken.add(address);
    return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
  }
  return undefined;
}

function subnetsOf(network: unknown): { subnet: string; hasRange: boolean; reserved: string[] }[] {
  const configs = field(field(network, "ipam"), "config");
  if (!Array.isArray(configs)) return [];
  return configs.map((config: unknown) => ({
    subnet: text(field(config, "subnet")),
    hasRange: field(config, "ip_range") !== undefined,
    reserved: [text(field(config, "gateway")), ...Object.values(field(config, "aux_addresses") ?? {}).map(text)],
  }));
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  const found: unknown = Reflect.get(value, name);
  return found;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}
