import type { ComposeModel, ComposeService } from "./model.ts";
import { isMapping, mapValues } from "../common/plain.ts";

/** Makes a model readable for Compose, which does not accept its own JSON output as it is. */
export function mendModel(model: ComposeModel): ComposeModel {
  return { ...model, services: mapValues(model.services, mendService) };
}

function mendService(service: ComposeService): ComposeService {
  const { ulimits, blkio_config: io, memswap_limit: swap } = service;
  return {
    ...service,
    // Without a limit.
    ...(swap === "-1" ? { memswap_limit: -1 } : {}),
    ...(isMapping(ulimits) ? { ulimits: mapValues(ulimits, mendLimit) } : {}),
    ...(isMapping(io) ? { blkio_config: mapValues(io, mendDevices) } : {}),
  };
}

/** Compose leaves out a limit of 0. */
function mendLimit(limit: unknown): unknown {
  return isMapping(limit) ? { soft: 0, hard: 0, ...limit } : limit;
}

/** Compose writes a device's attributes as `Path` and `Rate`. */
function mendDevices(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((device: unknown) =>
    isMapping(device) ? Object.fromEntries(Object.entries(device).map(([name, each]) => [name.toLowerCase(), each])) : device,
  );
}
