import { expect, test } from "vitest";
import { isContent } from "../../../src/lib/mounts/content-mounts.ts";

const digest = "a".repeat(64);
const layout = { places: {}, watched: [], adopted: [], parents: [], folders: [], seeds: [], needs: [] };

function isSettings(name: string, readOnly = false): boolean {
  const path = `files/${digest}/${name}`;
  const mount = { type: "bind", source: `/state/${path}`, target: `/app/${name}`, ...(readOnly ? { read_only: true } : {}) };
  return isContent(mount, { files: [{ path, executable: false, content: new Uint8Array() }], layout, stateDirectory: "/state" });
}

test.each([
  "config.yaml",
  "nginx.conf",
  "Caddyfile",
  "settings.json",
  "database.yml.erb",
  "package.json",
  "dataset.json",
  "entrypoint.sh",
  "prometheus.yml",
  "config/database.yml",
  "config/storage.yml",
  "config/cache.yml",
  "queue.yaml",
])("%s, mounted writable, is taken for settings", (name) => {
  expect(isSettings(name)).toBe(true);
});

test.each([
  "app.db",
  "app.sqlite3",
  "cache.duckdb",
  "db.json",
  "state.json",
  "app-state.json",
  "users.yaml",
  "cache.json",
  "database.csv",
  "counter.txt",
  "acme.json",
  "x.log",
  "store.dat",
])("%s, mounted writable, is written to; mounted otherwise it is content", (name) => {
  expect(isSettings(name)).toBe(false);
  expect(isSettings(name, true)).toBe(true);
});
