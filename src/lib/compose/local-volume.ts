import type { ComposeModel } from "./model.ts";
import { isMapping } from "../common/plain.ts";

/** A volume that is a folder of the host: `driver_opts` with a `device`. */
export interface LocalFolder {
  /** The volume's name on the host. */
  name: string;
  /** Absolute path on the host. */
  device: string;
}

/** The folder behind a volume of the model. Undefined for a volume that the engine keeps itself, or that is something else. */
export function localFolder(model: ComposeModel, volume: string): LocalFolder | undefined {
  const defined = model.volumes?.[volume];
  if (!isMapping(defined) || (defined["driver"] !== undefined && defined["driver"] !== "local")) return undefined;
  const options = defined["driver_opts"];
  if (!isMapping(options) || typeof options["device"] !== "string" || !options["device"].startsWith("/")) return undefined;
  if (typeof options["o"] !== "string" || !/(^|,)r?bind(,|$)/.test(options["o"])) return undefined;
  return { name: volumeName(model, volume), device: options["device"] };
}

/** The model's volumes, with their folders moved elsewhere. */
export function moveFolders(model: ComposeModel, place: (device: string, volume: string) => string): ComposeModel["volumes"] {
  if (model.volumes === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(model.volumes).map(([volume, defined]) => {
      const folder = localFolder(model, volume);
      if (folder === undefined || !isMapping(defined) || !isMapping(defined["driver_opts"])) return [volume, defined];
      return [volume, { ...defined, driver_opts: { ...defined["driver_opts"], device: place(folder.device, volume) } }];
    }),
  );
}

/** The name that a service's volume has on the host. */
export function volumeName({ name: project, volumes }: ComposeModel, volume: string): string {
  const defined = volumes?.[volume];
  return isMapping(defined) && typeof defined["name"] === "string" ? defined["name"] : `${project ?? ""}_${volume}`;
}
