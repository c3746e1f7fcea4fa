import { scriptName } from "../adapters/host.ts";
import type { TarEntry } from "../adapters/tar.ts";
import type { HostPlan } from "../plan/plan.ts";
import type { Manifest } from "../release/manifest.ts";
import type { Rendered } from "../release/render.ts";

/** Containers run as users of their own, and read what is mounted into them; the folder above is closed to others. */
const readable = { file: 0o644, executable: 0o755 };

export interface Who {
  user: string;
  /** The machine, or the CI job. */
  from: string;
}

/** The content of a release's folder on a host. */
export function releaseEntries(rendered: Rendered, manifest: Manifest, plan: HostPlan, who: Who, script: Uint8Array): TarEntry[] {
  return [
    { path: scriptName, content: script, mode: 0o700 },
    { path: "compose.json", content: JSON.stringify(rendered.model) },
    { path: "manifest.json", content: JSON.stringify(manifest) },
    { path: "plan", content: plan.steps.map(({ verb, args }) => `${[verb, ...args].join("\t")}\n`).join("") },
    { path: "who", content: `${[who.user, who.from, manifest.commit, manifest.ref ?? "-"].join("\t")}\n` },
    ...rendered.files.map(({ path, content, executable }) => ({ path, content, mode: executable ? readable.executable : readable.file })),
  ];
}
