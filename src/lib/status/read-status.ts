import type { HostConnection } from "../adapters/ssh.ts";
import { readServing } from "../adapters/host.ts";
import { parseManifest } from "../release/manifest.ts";
import { compareStatus, type HostStatus } from "./host-status.ts";

/**
 * What a host runs of a Compose project: its release from the state directory, its containers from Docker, both over the
 * one connection.
 */
export async function readStatus(connection: HostConnection, project: string, signal: AbortSignal): Promise<HostStatus> {
  const { openDocker } = await import("../adapters/docker-remote.ts");
  const docker = openDocker(connection);
  const filters = { label: [`com.docker.compose.project=${project}`] };
  const [serving, containers] = await Promise.all([
    readServing(connection, project, signal),
    docker.listContainers({ all: true, filters, abortSignal: signal }),
  ]);
  const manifest = parseManifest(serving.manifest);
  const listed = containers.map(({ Names, Labels, State, Status, Image }) => ({
    name: Names[0]?.replace(/^\//, "") ?? "",
    labels: Labels,
    state: State,
    status: Status,
    image: Image,
  }));
  return {
    host: connection.host,
    ...(manifest === undefined
      ? {}
      : {
          release: {
            id: manifest.id,
            commit: manifest.commit,
            ...(manifest.ref === undefined ? {} : { ref: manifest.ref }),
            ...(serving.since === undefined ? {} : { since: serving.since.toISOString() }),
          },
        }),
    busy: serving.busy,
    services: compareStatus(manifest, listed),
  };
}
