import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { openRegistry } from "../../../src/lib/adapters/registry/registry.ts";

const digest = `sha256:${"a".repeat(64)}`;
let directory: string;
let server: Server;
/** Loopback under a name that is not spoken to in plain HTTP. */
let host: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "coldtivate-trust-"));
  const subject = ["-subj", "/CN=registry", "-addext", "subjectAltName=IP:0.0.0.0"];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", join(directory, "key.pem")];
  execFileSync("openssl", ["req", "-x509", ...key, ...subject, "-out", join(directory, "ca.crt")], { stdio: "ignore" });
  const [cert, privateKey] = ["ca.crt", "key.pem"].map((name) => readFileSync(join(directory, name)));
  server = createServer({ cert, key: privateKey }, (_, response) => response.writeHead(200, { "docker-content-digest": digest }).end());
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  const address = server.address();
  host = `0.0.0.0:${typeof address === "object" ? address?.port : ""}`;
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

const ask = async () => {
  using registry = openRegistry({ host, insecure: false }, { backoff: [] });
  return await registry.digestOf(`${host}/web`);
};

test("a certificate of an authority that nobody knows is refused, with where to put it", async () => {
  vi.stubEnv("DOCKER_CONFIG", join(directory, "none"));
  await expect(ask()).rejects.toMatchObject({
    code: "REGISTRY_UNREACHABLE",
    hint: expect.stringContaining(`/etc/docker/certs.d/${host}/ca.crt`),
  });
});

test("an authority in Docker's folder for the registry is trusted, and so is one of this system", async () => {
  const folder = join(directory, "docker", "certs.d", host);
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(directory, "ca.crt"), join(folder, "ca.crt"));
  vi.stubEnv("DOCKER_CONFIG", join(directory, "docker"));
  expect(await ask()).toBe(digest);
  vi.stubEnv("DOCKER_CONFIG", join(directory, "none"));
  vi.stubEnv("SSL_CERT_FILE", join(directory, "ca.crt"));
  const script = `import { openRegistry } from "${join(import.meta.dirname, "../../../src/lib/adapters/registry/registry.ts")}";
    using registry = openRegistry({ host: "${host}", insecure: false }, { backoff: [] });
    console.log(await registry.digestOf("${host}/web"));`;
  expect(await evaluate(script)).toContain(digest);
});

/** In a process of its own: the system's store is read once. */
async function evaluate(script: string): Promise<string> {
  const { execa } = await import("execa");
  const { stdout } = await execa(process.execPath, ["--experimental-strip-types", "--input-type=module", "--eval", script], {
    cwd: import.meta.dirname,
  });
  return stdout;
}
