import { findSocket } from "../adapters/host-engine.ts";
import type { HostConnection } from "../adapters/ssh.ts";
import { readServing } from "../adapters/host.ts";
import { later } from "../later.ts";
import { parseManifest } from "../release/manifest.ts";
import { compareStatus, type HostStatus } from "./host-status.ts";

/**
 * What a host runs of a Compose project: its release from the state directory, its containers from Docker, both over the
 * one connection.
 */
export async function readStatus(connection: HostConnection, project: string, signal: AbortSignal): Promise<HostStatus> {
  const [serving, containers] = await Promise.all([readServing(connection, project, signal), listContainers(connection, project, signal)]);
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

/** Asks the usual engine at once, and another one where the host's user has chosen that. */
async function listContainers(connection: HostConnection, project: string, signal: AbortSignal) {
  const { defaultSocket, openDocker } = await import("../adapters/docker-remote.ts");
  const filters = { label: [`com.docker.compose.project=${project}`] };
  const list = (socket?: string) => openDocker(connection, socket).listContainers({ all: true, filters, abortSignal: signal });
  const usual = later(list());
  const chosen = await findSocket(connection, signal);
  return chosen === undefined || chosen === defaultSocket ? usual : list(chosen);
}
