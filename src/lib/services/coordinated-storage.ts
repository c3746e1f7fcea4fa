import { commandsOf, runsWith } from "./command-words.ts";
import type { ImageFacts } from "./image-facts.ts";
import type { ComposeService } from "../compose/model.ts";

/**
 * Whether several containers of a service may write to a folder at once, because its program coordinates its own access there.
 *
 * So far Caddy: "Any Caddy instances that are configured to use the same storage will automatically share those resources and
 * coordinate certificate management as a cluster" (https://caddyserver.com/docs/automatic-https#storage). Its folders are those
 * of https://caddyserver.com/docs/conventions#file-locations.
 * @param target path in the container
 */
export function isCoordinated(target: string, service: ComposeService, facts: ImageFacts | undefined): boolean {
  const { text, environment } = runsWith(service, facts);
  const runsCaddy = commandsOf(text).some(({ words }) => words.some((word) => word === "caddy" || word.endsWith("/caddy")));
  if (!runsCaddy) return false;
  const home = environment["HOME"] ?? "/root";
  const homes = [environment["XDG_DATA_HOME"] ?? `${home}/.local/share`, environment["XDG_CONFIG_HOME"] ?? `${home}/.config`];
  return homes.some((folder) => target === folder || target === `${folder}/caddy`);
}
