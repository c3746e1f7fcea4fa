import type { ComposeService } from "./model.ts";

/**
 * The service that runs a task: its service's image, environment, volumes and networks, and nothing that would make it
 * be taken for the service itself (name, aliases, addresses, ports).
 *
 * @param run the command: the task's, or the one that takes it back
 * @param isReady whether a linked service is up before the tasks; a link to one that is not cannot be made
 */
export function renderTask(service: ComposeService, run: readonly string[], isReady: (service: string) => boolean): ComposeService {
  const { container_name: _name, depends_on: _depends, ports: _ports, scale: _scale, deploy, links, networks, ...rest } = service;
  const { replicas: _replicas, ...limits } = deploy ?? {};
  const ready = (links ?? []).filter((link) => isReady(link.split(":", 1)[0] ?? link));
  return {
    ...rest,
    // Compose interpolates the rendered model once more.
    command: run.map((word) => word.replaceAll("$", "$$$$")),
    healthcheck: { disable: true },
    profiles: ["tasks"],
    restart: "no",
    ...(Object.keys(limits).length > 0 ? { deploy: limits } : {}),
    ...(ready.length > 0 ? { links: ready } : {}),
    ...(networks === undefined ? {} : { networks: Object.fromEntries(Object.keys(networks).map((name) => [name, null])) }),
  };
}
