import { folderOf, normalise } from "./files/compose-walk.ts";
import type { ComposeModel, ComposeService } from "./model.ts";
import { mapValues } from "../common/plain.ts";

const option = /^(seccomp[:=])(.+)$/;

/**
 * Gives seccomp profiles absolute paths, as other files have. Compose reads these profiles only when it creates a container,
 * relative to where the project lies then.
 *
 * @param directory the folder that other relative paths were resolved against, absolute on the host
 * @param first the path of the first Compose file in that folder
 */
export function locateProfiles(model: ComposeModel, directory: string, first: string): ComposeModel {
  const folder = folderOf(first);
  const locate = (path: string) => (/^[/~]|^(?:unconfined|builtin)$/.test(path) ? path : `${directory}/${normalise(`${folder}/${path}`)}`);
  return { ...model, services: mapValues(model.services, (service) => movedProfiles(service, locate)) };
}

/** A service with its seccomp profiles moved elsewhere. */
export function movedProfiles(service: ComposeService, place: (path: string) => string): ComposeService {
  if (service.security_opt === undefined) return service;
  const moved = service.security_opt.map((written) => written.replace(option, (_, name: string, path: string) => `${name}${place(path)}`));
  return { ...service, security_opt: moved };
}

/** The files of a service's seccomp profiles. */
export function profilesOf({ security_opt: options = [] }: ComposeService): string[] {
  return options.flatMap((written) => option.exec(written)?.[2] ?? []);
}
