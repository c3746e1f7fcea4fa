import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { pack, type Header } from "tar-stream";
import { top } from "../repository.ts";
import { must, sandbox } from "../run.ts";

/** What an image says of itself, as far as Compose or coldtivate reads it. */
export interface ProbeImage {
  /** Ports that it listens on, and names in EXPOSE. */
  expose?: readonly number[];
  /** Ports that it listens on, and does not name. */
  hidden?: readonly number[];
  volumes?: readonly string[];
  entrypoint?: readonly string[];
  command?: readonly string[];
  environment?: Readonly<Record<string, string>>;
  user?: string;
  workingDirectory?: string;
  /** Files of its own, by path. */
  files?: Readonly<Record<string, FileOfImage>>;
  labels?: Readonly<Record<string, string>>;
  healthcheck?: { Test: string[]; Interval: number };
  stopSignal?: string;
}

export interface FileOfImage {
  /** Absent: a folder. */
  content?: string;
  mode?: number;
  uid?: number;
  gid?: number;
}

interface Blob {
  mediaType: string;
  digest: string;
  size: number;
}

/** Programs that the corpus and its images name, all of which the probe plays. */
const programs = [
  ..."apache2-foreground authentik bundle caddy celery clickhouse docker-entrypoint.sh docker-php-entrypoint dumb-init".split(" "),
  ..."gitea grafana gunicorn healthcheck.sh java kafka mariadb-admin mariadbd memcached minio mongod mongosh mysqladmin".split(" "),
  ..."mysqld n8n nats-server nc nginx node npm php-fpm pg_isready postgres prometheus puma python python3 rabbitmq-diagnostics".split(" "),
  ..."base child more override seed serve words".split(" "),
  ..."rabbitmq-server redis-cli redis-server sidekiq start.sh streamlit traefik uvicorn valkey-cli valkey-server worker curl".split(" "),
];
const applets = "[ ash awk cat chmod chown cp echo env false grep head httpd id kill ln ls mkdir mv printf ps rm sed".split(" ");
const moreApplets = "sh sha256sum sleep sort stat tail tee test touch tr true uname wc wget which".split(" ");

let base: Promise<{ layer: Buffer; blob: Blob }> | undefined;

/** Puts an image into the sandbox's registry, without an engine. */
export async function pushProbe(repository: string, tags: readonly string[], image: ProbeImage): Promise<void> {
  base ??= makeBase();
  const { layer, blob } = await base;
  const own = image.files === undefined ? [] : [await tarOf(filesOf(image.files))];
  const layers = [{ layer, blob }, ...own.map((tar) => compressed(tar))];
  const tars = [await baseTar, ...own];
  const configuration = Buffer.from(JSON.stringify(configurationOf(image, tars)));
  const config = describe(configuration, "application/vnd.docker.container.image.v1+json");
  for (const each of layers) await uploadOnce(repository, each.layer, each.blob);
  await upload(repository, configuration, config);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.docker.distribution.manifest.v2+json",
    config,
    layers: layers.map((each) => each.blob),
  });
  for (const tag of tags) {
    await ask(`${repository}/manifests/${tag}`, {
      method: "PUT",
      body: manifest,
      headers: { "content-type": "application/vnd.docker.distribution.manifest.v2+json" },
    });
  }
}

let baseTar: Promise<Buffer>;

async function makeBase(): Promise<{ layer: Buffer; blob: Blob }> {
  baseTar = makeBaseTar();
  return compressed(await baseTar);
}

async function makeBaseTar(): Promise<Buffer> {
  const busybox = await must("bash", ["-c", "tar -xOf .tools/sandbox/base-*.tar ./usr/bin/busybox | base64 -w0"], { cwd: top });
  const probe = await readFile(join(top, "test/e2e/support/differential/probe.sh"));
  const passwd = "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n";
  const group = "root:x:0:\ntty:x:5:\nwww-data:x:33:\nnode:x:1000:\nextra:x:2000:\n";
  return tarOf([
    ...["bin", "etc", "home", "root", "srv", "usr", "usr/local", "usr/local/bin", "var", "var/lib", "www"].map((name) => folder(name)),
    { header: { name: "tmp", type: "directory", mode: 0o1777 } },
    { header: { name: "bin/busybox", mode: 0o755 }, content: Buffer.from(busybox, "base64") },
    ...[...applets, ...moreApplets].map((name) => link(`bin/${name}`, "busybox")),
    { header: { name: "bin/probe", mode: 0o755 }, content: probe },
    { header: { name: "bin/banner", mode: 0o755 }, content: Buffer.from("#!/bin/sh\necho at your service\n") },
    ...programs.map((name) => link(`usr/local/bin/${name}`, "/bin/probe")),
    { header: { name: "bin/getent", mode: 0o755 }, content: Buffer.from('#!/bin/sh\ngrep -E "^$2:|^([^:]*:){2}$2:" "/etc/$1"\n') },
    ...["cron.sh", "docker-entrypoint.sh", "entrypoint.sh"].map((name) => link(name, "/bin/probe")),
    { header: { name: "etc/passwd", mode: 0o644 }, content: Buffer.from(passwd) },
    { header: { name: "etc/group", mode: 0o644 }, content: Buffer.from(group) },
    { header: { name: "www/index.html", mode: 0o644 }, content: Buffer.from("ok\n") },
  ]);
}

interface Entry {
  header: Partial<Header> & { name: string };
  content?: Buffer;
}

const folder = (name: string): Entry => ({ header: { name, type: "directory", mode: 0o755 } });
const link = (name: string, linkname: string): Entry => ({ header: { name, type: "symlink", linkname } });

function filesOf(files: Readonly<Record<string, FileOfImage>>): Entry[] {
  return Object.entries(files).map(([path, { content, mode, uid = 0, gid = 0 }]) => {
    const type = content === undefined ? "directory" : "file";
    const header: Entry["header"] = { name: path.slice(1), type, mode: mode ?? (content === undefined ? 0o755 : 0o644), uid, gid };
    return content === undefined ? { header } : { header, content: Buffer.from(content) };
  });
}

async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const packing = pack();
  for (const { header, content } of entries) packing.entry({ mtime: new Date(0), ...header }, content ?? Buffer.alloc(0));
  packing.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packing) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function compressed(tar: Buffer): { layer: Buffer; blob: Blob } {
  const layer = gzipSync(tar, { level: 1 });
  return { layer, blob: describe(layer, "application/vnd.docker.image.rootfs.diff.tar.gzip") };
}

function describe(content: Buffer, mediaType: string): Blob {
  return { mediaType, digest: digestOf(content), size: content.length };
}

const digestOf = (content: Buffer): string => `sha256:${createHash("sha256").update(content).digest("hex")}`;

function configurationOf(image: ProbeImage, tars: readonly Buffer[]): object {
  const { expose = [], hidden = [], volumes = [], entrypoint, command, environment = {}, user, workingDirectory, labels } = image;
  const listening = [...expose, ...hidden].join(" ");
  return {
    architecture: "amd64",
    os: "linux",
    created: "2025-01-01T00:00:00Z",
    config: {
      Env: [
        "PATH=/usr/local/bin:/bin",
        `PROBE_PORTS=${listening}`,
        ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      ],
      ...(entrypoint === undefined && command === undefined ? { Cmd: ["/bin/probe"] } : {}),
      ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
      ...(command === undefined ? {} : { Cmd: command }),
      ...(expose.length === 0 ? {} : { ExposedPorts: Object.fromEntries(expose.map((port) => [`${port}/tcp`, {}])) }),
      ...(volumes.length === 0 ? {} : { Volumes: Object.fromEntries(volumes.map((path) => [path, {}])) }),
      ...(user === undefined ? {} : { User: user }),
      ...(workingDirectory === undefined ? {} : { WorkingDir: workingDirectory }),
      ...(labels === undefined ? {} : { Labels: labels }),
      ...(image.healthcheck === undefined ? {} : { Healthcheck: image.healthcheck }),
      ...(image.stopSignal === undefined ? {} : { StopSignal: image.stopSignal }),
    },
    rootfs: { type: "layers", diff_ids: tars.map(digestOf) },
    history: tars.map(() => ({ created: "2025-01-01T00:00:00Z", created_by: "probe" })),
  };
}

let isBaseThere: Promise<string> | undefined;

/** The base's layer goes to one repository, and is mounted into the others. */
async function uploadOnce(repository: string, content: Buffer, blob: Blob): Promise<void> {
  const isBase = blob.digest === (await base)?.blob.digest;
  if (isBase && isBaseThere === undefined) {
    isBaseThere = upload(repository, content, blob).then(() => repository);
  }
  const from = isBase ? await isBaseThere : undefined;
  if (from === repository) return;
  await upload(repository, content, blob, from);
}

async function upload(repository: string, content: Buffer, { digest }: Blob, from?: string): Promise<void> {
  const start = await ask(`${repository}/blobs/uploads/${from === undefined ? "" : `?mount=${digest}&from=${from}`}`, { method: "POST" });
  if (start.status === 201) return;
  const place = new URL(start.headers.get("location") ?? "", start.url);
  place.searchParams.set("digest", digest);
  await ask(place.href, { method: "PUT", body: new Uint8Array(content), headers: { "content-type": "application/octet-stream" } });
}

async function ask(path: string, { headers, ...request }: RequestInit): Promise<Response> {
  const { CI_REGISTRY, CI_REGISTRY_USER, CI_REGISTRY_PASSWORD } = sandbox();
  const authorization = `Basic ${Buffer.from(`${CI_REGISTRY_USER}:${CI_REGISTRY_PASSWORD}`).toString("base64")}`;
  const address = path.startsWith("http") ? path : `http://${CI_REGISTRY}/v2/${path}`;
  const response = await fetch(address, { ...request, headers: { ...Object.fromEntries(new Headers(headers)), authorization } });
  if (!response.ok) throw new Error(`${request.method} ${address}: ${response.status} ${await response.text()}`);
  return response;
}
