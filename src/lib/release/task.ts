import { hidden } from "../compose/discovery-labels.ts";
import type { ComposeService } from "../compose/model.ts";

/**
 * The service that runs a task. It has its service's image, environment, volumes and networks. It has nothing that would make
 * others take it for the service itself: names, aliases, addresses, ports, or labels and variables for discovery.
 *
 * @param run the command of the task, or its undo command
 */
export function renderTask(service: ComposeService, run: readonly string[]): ComposeService {
  const { container_name: _name, depends_on: _depends, hostname: _host, mac_address: _mac, ports: _ports, scale: _scale, ...own } = service;
  const { deploy, networks, ...rest } = own;
  const { replicas: _replicas, ...limits } = deploy ?? {};
  return {
    ...rest,
    ...hidden(rest),
    // Compose interpolates the rendered model once more.
    command: run.map((word) => word.replaceAll("$", "$$$$")),
    healthcheck: { disable: true },
    profiles: ["tasks"],
    restart: "no",
    ...(Object.keys(limits).length > 0 ? { deploy: limits } : {}),
    ...(networks === undefined ? {} : { networks: Object.fromEntries(Object.keys(networks).map((name) => [name, null])) }),
  };
}
