import { expect, test } from "vitest";
import { inspectBuilder } from "../../../src/lib/adapters/buildkit/buildkit.ts";
import { fakeDocker } from "./fake-docker.ts";

const { signal } = new AbortController();

const builder = (driver: string, status = "[]") => `case "$*" in
"buildx inspect") printf 'Name: x\\nDriver:        ${driver}\\nPlatforms:     linux/arm64*, linux/arm/v7\\n' ;;
info*) echo '${status}' ;;
esac`;

test.each([
  ["docker", '[["driver-type","io.containerd.snapshotter.v1"]]', true],
  ["docker", '[["Backing Filesystem","extfs"]]', false],
  ["docker-container", "[]", true],
])("whether a builder of the driver %s with the store %s can export a cache: %s", async (driver, status, cacheExport) => {
  using _ = fakeDocker(builder(driver, status));
  expect(await inspectBuilder(signal)).toEqual({ isEngine: driver === "docker", cacheExport, platform: "linux/arm64" });
});

test("an engine whose builder shows a snapshotter keeps its images in containerd, and is not asked", async () => {
  const said = String.raw`Driver: docker\nLabels:\n org.mobyproject.buildkit.worker.snapshotter: overlayfs\n`;
  using _ = fakeDocker(`[[ $* == "buildx inspect" ]] && printf '${said}' && exit; exit 1`);
  expect(await inspectBuilder(signal)).toEqual({ isEngine: true, cacheExport: true });
});

test.each([
  ["echo \"docker: 'buildx' is not a docker command.\" >&2; exit 1", "BUILDX_MISSING"],
  ['echo "ERROR: Cannot connect to the Docker daemon" >&2; exit 1', "DOCKER_UNREACHABLE"],
  ['printf "Driver: \\nError:   Cannot connect to the Docker daemon\\n"', "DOCKER_UNREACHABLE"],
  ['echo "ERROR: no builder \\"x\\" found" >&2; exit 1', "BUILDER_UNUSABLE"],
])("a docker that answers with %s is %s", async (body, code) => {
  using _ = fakeDocker(body);
  await expect(inspectBuilder(signal)).rejects.toMatchObject({ code });
});

test("no docker at all is an error of its own", async () => {
  using docker = fakeDocker("");
  process.env["PATH"] = docker.config;
  await expect(inspectBuilder(signal)).rejects.toMatchObject({ code: "DOCKER_MISSING", exit: "usage" });
});
