import { describe, expect, test } from "vitest";
import { Secret } from "../../../src/lib/secrets/secret.ts";
import { dotenvNotes } from "../../../src/lib/deploy/prepare/commit/dotenv-notes.ts";
import type { HostState, ObservedContainer } from "../../../src/lib/host/host-state.ts";
import { emptyHost } from "../plan/simulated-host.ts";

const container: ObservedContainer = {
  id: "1",
  name: "shop-staging-web-1",
  service: "web",
  image: "web",
  definition: "",
  state: "",
  status: "running",
  health: "",
  oneOff: false,
};
const host = (more: Partial<HostState>): HostState => ({ ...emptyHost, host: "10.0.0.1", ...more });
const dotenv = new Secret("DB_PASSWORD=p$ss#w0rd\nURL=postgres://u:${DB_PASSWORD}@db/x\nDEBUG=1\n");

describe("values of a dotenv that a shell used to read", () => {
  test("are named on the first deploy onto a host where plain Compose ran, without their values", () => {
    const notes = dotenvNotes([host({ containers: [container] })], { dotenv });
    expect(notes).toEqual([
      "10.0.0.1 ran this without coldtivate: the dotenv's values now arrive as they are written. A shell that read it (`source`) gave these another value: DB_PASSWORD, URL",
    ]);
    expect(notes.join()).not.toMatch(/p\$ss|postgres/);
  });

  test("no word where nothing ran, where a release serves, where only a task's container is left", () => {
    expect(dotenvNotes([host({ containers: [] })], { dotenv })).toEqual([]);
    expect(dotenvNotes([host({ containers: [container], current: "r1" })], { dotenv })).toEqual([]);
    expect(dotenvNotes([host({ containers: [{ ...container, definition: "d" }] })], { dotenv })).toEqual([]);
    expect(dotenvNotes([host({ containers: [{ ...container, oneOff: true }] })], { dotenv })).toEqual([]);
  });

  test("no word without a dotenv, or where a shell changes nothing", () => {
    expect(dotenvNotes([host({ containers: [container] })], {})).toEqual([]);
    expect(dotenvNotes([host({ containers: [container] })], { dotenv: new Secret("A=1\n") })).toEqual([]);
  });
});
