import type { ComposeModel, ComposeService } from "./model.ts";
import { mapValues } from "./record.ts";

/** A model as Compose can read it: what it prints as JSON it does not take back as it is. */
export function mendModel(model: ComposeModel): ComposeModel {
  return { ...model, services: mapValues(model.services, mendService) };
}

function mendService(service: ComposeService): ComposeService {
  const { ulimits, blkio_config: io, memswap_limit: swap } = service;
  return {
    ...service,
    // Without a limit.
    ...(swap === "-1" ? { memswap_limit: -1 } : {}),
    ...(isRecord(ulimits) ? { ulimits: mapValues(ulimits, mendLimit) } : {}),
    ...(isRecord(io) ? { blkio_config: mapValues(io, mendDevices) } : {}),
  };
}

/** A limit of 0 is left out. */
function mendLimit(limit: unknown): unknown {
  return isRecord(limit) ? { soft: 0, hard: 0, ...limit } : limit;
}

/** The attributes of a device are called `Path` and `Rate`. */
function mendDevices(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((device: unknown) =>
    isRecord(device) ? Object.fromEntries(Object.entries(device).map(([name, each]) => [name.toLowerCase(), each])) : device,
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> => value !== null && typeof value === "object" && !Array.isArray(value);
