import * as z from "zod";
import { findSocket } from "../adapters/host/host-engine.ts";
import type { HostConnection } from "../adapters/ssh/ssh.ts";
import { readServing } from "../adapters/host/host.ts";
import { markHandled } from "../common/mark-handled.ts";
import { lineSchema, plainWords, readAnswer } from "../common/host-answer.ts";
import { parseManifest } from "../release/manifest.ts";
import { mapValues } from "../common/plain.ts";
import { compareStatus, type HostStatus } from "./host-status.ts";

const listSchema = z.array(
  z
    .object({
      Names: z.array(lineSchema).nullable(),
      Labels: z.record(z.string(), z.string()).nullable(),
      State: lineSchema,
      Status: lineSchema,
      Image: lineSchema,
    })
    .transform(({ Names: names, Labels: labels, State: state, Status: status, Image: image }) => ({
      name: names?.[0]?.replace(/^\//, "") ?? "",
      labels: mapValues(labels ?? {}, plainWords),
      state,
      status,
      image,
    })),
);

/**
 * Reads what a host runs of a Compose project: the release from the state directory, the containers from Docker, both over the
 * same connection.
 * @throws ColdtivateError HOST_ANSWER, HOST_SILENT, SOCKET_UNREACHABLE
 */
export async function readStatus(connection: HostConnection, project: string, signal: AbortSignal): Promise<HostStatus> {
  const [serving, containers] = await Promise.all([readServing(connection, project, signal), listContainers(connection, project, signal)]);
  const manifest = parseManifest(serving.manifest);
  const listed = readAnswer(connection.host, "its list of containers", listSchema, containers);
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

/** Asks the default engine at once, and another one if the host's user has chosen it. */
async function listContainers(connection: HostConnection, project: string, signal: AbortSignal) {
  const { defaultSocket, listProject } = await import("../adapters/host/docker-remote.ts");
  const usual = markHandled(listProject(connection, project, { signal }));
  const socket = await findSocket(connection, project, signal);
  return socket === undefined || socket === defaultSocket ? usual : listProject(connection, project, { signal, socket });
}
