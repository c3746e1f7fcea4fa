import type { RegistryClient } from "../../../src/lib/adapters/registry/registry.ts";
import type { Intent, PreparePorts, ReleaseRequest } from "../../../src/lib/deploy/prepare/intent.ts";
import { prepareRelease, type PreparedRelease } from "../../../src/lib/deploy/prepare/prepare.ts";
import type { HostConnection } from "../../../src/lib/adapters/ssh/ssh.ts";

/** What a release is made from that no commit is read for. */
export const intent = {
  config: {
    project: "shop",
    keepReleases: 5,
    front: { image: "haproxy:3.2" },
    services: {},
    hooks: { client: {}, host: {} },
  },
  environment: { name: "staging" },
  leavesData: false,
  isDryRun: false,
  script: [],
  who: { user: "ann", from: "laptop" },
  now: new Date("2026-11-23T05:00:00Z"),
} as unknown as Intent;

/** A registry that knows the digests of some references, and notes what it was asked. */
export function fakeRegistry(digests: (reference: string) => string | Error | undefined = () => undefined, named = ["r.example/web"]) {
  const asked: string[] = [];
  const client = {
    digestOf(reference: string) {
      asked.push(reference);
      const digest = digests(reference);
      return digest instanceof Error ? Promise.reject(digest) : Promise.resolve(digest);
    },
    layersOf: () => Promise.resolve(undefined),
  } as unknown as RegistryClient;
  const open: PreparePorts["registry"] = () => Promise.resolve({ client, named: new Set(named) });
  return { open, asked };
}

/** Prepares a release on hosts for which no repository is opened. */
export function prepareOn(
  hosts: readonly { connection: HostConnection }[],
  request: ReleaseRequest,
  registry: PreparePorts["registry"] = () => Promise.reject(new Error("the registry was opened")),
): Promise<PreparedRelease> {
  return prepareRelease(intent, request, {
    connections: Promise.resolve(hosts.map(({ connection }) => connection)),
    registry,
    repository: () => Promise.reject(new Error("the repository was opened")),
    signal: new AbortController().signal,
  });
}
