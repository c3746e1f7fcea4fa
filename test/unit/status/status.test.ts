import { describe, expect, test } from "vitest";
import type { Manifest } from "../../../src/lib/release/manifest.ts";
import { formatStatus } from "../../../src/lib/environment/format-status.ts";
import { compareStatus, type ListedContainer } from "../../../src/lib/environment/host-status.ts";

const image = `registry.example/shop/web@sha256:${"1".repeat(64)}`;
const manifest: Manifest = {
  version: 1,
  id: "r1",
  project: "shop",
  environment: "staging",
  commit: "0123456789",
  createdAt: "",
  services: {
    web: { definition: "d1", reference: "web:main", image },
    db: { definition: "d2", reference: "postgres:15", image: "postgres:15" },
  },
  fronts: {},
  tasks: {},
  images: {},
};

function container(service: string, definition: string, more: Partial<ListedContainer> = {}): ListedContainer {
  const labels = {
    "com.docker.compose.service": service,
    "coldtivate.definition": definition,
    "org.opencontainers.image.revision": "abcdef0123456789",
  };
  return { name: `shop-${service}-1`, labels, state: "running", status: "Up 3 minutes (healthy)", image, ...more };
}

describe("what runs, set against the release", () => {
  test("a container of the release, one of another, one that is missing, one that is extra", () => {
    const services = compareStatus(manifest, [container("web", "d0", { status: "Up 1 second (health: starting)" }), container("old", "x")]);
    expect(services.map(({ service, state, health, current }) => [service, state, health, current])).toEqual([
      ["db", "missing", undefined, false],
      ["old", "running", "healthy", false],
      ["web", "running", "starting", false],
    ]);
    expect(compareStatus(manifest, [container("web", "d1")])[1]).toMatchObject({ service: "web", current: true });
  });

  test("a task's container is none of the services", () => {
    const task = container("task-migrate", "", {
      labels: { "com.docker.compose.oneoff": "True", "com.docker.compose.service": "task-migrate" },
    });
    expect(compareStatus({ ...manifest, services: {} }, [task])).toEqual([]);
  });
});

describe("the table", () => {
  const now = new Date("2026-11-23T10:00:00Z");

  test("says release, since when, and who is at it", () => {
    const release = { id: "r1", commit: "0123456789", ref: "main", since: "2026-11-23T09:55:00.000Z" };
    const services = compareStatus(manifest, [
      container("web", "d1"),
      container("db", "d2", { status: "Up 2 days", image: "postgres:15" }),
    ]);
    const text = formatStatus("staging", [{ host: "10.0.0.1", release, busy: "a deploy runs: me", services }], now);
    expect(text.split("\n").slice(0, 2)).toEqual([
      "staging on 10.0.0.1: release r1, commit 01234567 (main), since 2026-11-23 09:55:00 UTC (5 m 00 s)",
      "! a deploy runs: me",
    ]);
    expect(text).toMatch(/^db +running +Up 2 days +postgres:15 +abcdef01$/m);
    expect(text).toMatch(/^web +healthy +Up 3 minutes \(healthy\) +web@sha256:11111111 +abcdef01$/m);
  });

  test("an environment that was never deployed to", () => {
    expect(formatStatus("staging", [{ host: "h", busy: "", services: [] }], now)).toBe(
      "staging on h: no release of coldtivate\n  nothing runs",
    );
  });
});

test("a service that ran to its end is well: its container has ended, or is gone", () => {
  const migrate = { definition: "d3", reference: "web:main", image, once: true as const };
  const after = { ...manifest, services: { migrate } };
  const ended = container("migrate", "d3", { state: "exited", status: "Exited (0) 2 hours ago" });
  expect(compareStatus(after, [])).toEqual([]);
  expect(compareStatus(after, [ended])[0]).toMatchObject({ ended: true });
  expect(compareStatus(after, [{ ...ended, status: "Exited (1) 2 hours ago" }])[0]).not.toHaveProperty("ended");
});
