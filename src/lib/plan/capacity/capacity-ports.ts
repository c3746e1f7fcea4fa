import { blocks, wantedPorts, type HostPort } from "../../compose/host-ports.ts";
import type { HostState } from "../../host/host-state.ts";
import type { Rendered } from "../../release/rendered.ts";
import type { Shortage } from "./capacity.ts";

interface Holder {
  ports: readonly HostPort[];
  name: string;
}

/** The ports that a release publishes although they are taken; undefined if there are none. */
export function portShortage(rendered: Rendered, state: HostState): Shortage | undefined {
  const { published, sockets } = state.capacity ?? { published: [], sockets: [] };
  const project = rendered.model.name ?? "";
  const own = published.filter((entry) => entry.project === project).flatMap(({ ports }) => ports);
  const others: Holder[] = published
    .filter((entry) => entry.project !== project)
    .map((entry) => ({
      ports: entry.ports,
      name: `the container ${entry.container}${entry.project === "-" ? "" : ` of the project ${entry.project}`}`,
    }));
  const known = [...own, ...others.flatMap(({ ports }) => ports)];
  // A container of ours on the host's network listens like any process. It cannot be told apart from others.
  const isTold = !state.containers.some(({ network, status }) => network === "host" && status === "running");
  const processes = isTold ? sockets.filter((socket) => !known.some((port) => blocks(port, socket) || blocks(socket, port))) : [];
  const holders = [...others, { ports: processes, name: "a process on the host" }];

  const details = Object.keys(rendered.services).flatMap((service) =>
    (rendered.model.services[service]?.ports ?? []).flatMap((port) => {
      const choices = wantedPorts(port);
      const held = choices.map((addresses) => {
        const mine = addresses.some((wanted) => own.some((socket) => blocks(socket, wanted)));
        return mine ? undefined : holders.find(({ ports }) => ports.some((socket) => addresses.some((wanted) => blocks(socket, wanted))));
      });
      const first = held[0];
      if (first === undefined || held.includes(undefined)) return [];
      const { protocol, port: number } = choices[0]?.[0] ?? { protocol: "tcp", port: 0 };
      return [
        `${state.host}: ${protocol} port ${choices.length > 1 ? port.published : number}, which ${service} publishes, is taken by ${first.name}`,
      ];
    }),
  );
  if (details.length === 0) return undefined;
  return {
    code: "PORT_TAKEN",
    details: [...new Set(details)],
    advice: "End what holds the port (`ss -tulpn` as root shows it), or publish another one in the Compose files.",
  };
}
