import { X509Certificate, createSign } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer as createPlainServer, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { execa } from "execa";
import { inject } from "vitest";
import { onHost } from "../hosts.ts";
import { must, run } from "../run.ts";

export interface RegistryKind {
  scheme: "basic" | "bearer";
  /** With a certificate of an authority of its own, its token server too; else plain HTTP. */
  tls: boolean;
}

/** A registry of the test's own, which this machine, the engine that builds and staging can reach, and speak to. */
export interface OwnRegistry extends AsyncDisposable {
  host: string;
  username: string;
  password: string;
  /** The certificate of its authority. */
  certificate: string;
  /** Scopes that tokens were asked for. */
  scopes: string[];
}

const username = "robot";
const machines = ["builder", "staging"] as const;

/** Starts one on this machine's address in the sandbox's network. */
export async function startOwnRegistry({ scheme, tls }: RegistryKind, folder: string): Promise<OwnRegistry> {
  await using stack = new AsyncDisposableStack();
  const address = inject("net").replace(/0\/24$/, "254");
  const host = `${address}:${await freePort(address)}`;
  const password = crypto.randomUUID();
  const [certificate, key] = [join(folder, "ca.crt"), join(folder, "key.pem")];
  await mkdir(folder, { recursive: true });
  await makeCertificate(address, certificate, key);
  const pair = { cert: await readFile(certificate), key: await readFile(key) };

  const scopes: string[] = [];
  const answer = tokenServer({ host, password, scopes, ...pair });
  const tokens = tls ? createSecureServer(pair, answer) : createPlainServer(answer);
  tokens.listen(0, address);
  await once(tokens, "listening");
  stack.defer(() => void (tokens.closeAllConnections(), tokens.close()));
  const realm = `${tls ? "https" : "http"}://${address}:${(tokens.address() as AddressInfo).port}/token`;

  const accounts = join(folder, "accounts");
  await writeFile(accounts, `${username}:${await hash(password)}\n`);
  const auth =
    scheme === "basic"
      ? { htpasswd: { realm: "test", path: accounts } }
      : { token: { realm, service: host, issuer: "test", rootcertbundle: certificate } };
  const configuration = {
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, "storage") }, delete: { enabled: true } },
    http: { addr: host, ...(tls && { tls: { certificate, key } }) },
    auth,
  };
  await writeFile(join(folder, "registry.yml"), JSON.stringify(configuration));
  const registry = execa("docker-registry", ["serve", join(folder, "registry.yml")], { reject: false, stdin: "ignore" });
  stack.defer(async () => void (registry.kill(), await registry));
  await untilAnswers(address, Number(host.split(":")[1]));

  for (const machine of machines) {
    await onHost(machine, tls ? trust(host, pair.cert.toString()) : speakPlain(host));
    stack.defer(async () => void (await onHost(machine, tls ? `rm -rf /etc/docker/certs.d/${host}` : forgetPlain(host))));
  }
  const owned = stack.move();
  return { host, username, password, certificate, scopes, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

interface Tokens {
  host: string;
  password: string;
  scopes: string[];
  cert: Buffer;
  key: Buffer;
}

/** Gives whoever knows the password all that is asked for, in the form that distribution's registry reads. */
function tokenServer({ host, password, scopes, cert, key }: Tokens): RequestListener {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const head = encode({ typ: "JWT", alg: "RS256", x5c: [new X509Certificate(cert).raw.toString("base64")] });
  return (request, response) => {
    const answer = async () => {
      const { searchParams } = new URL(request.url!, "http://tokens");
      const form = new URLSearchParams(Buffer.concat(await request.toArray()).toString());
      const basic = Buffer.from((request.headers.authorization ?? "").replace(/^Basic /, ""), "base64").toString();
      const isKnown = basic === `${username}:${password}` || (form.get("username") === username && form.get("password") === password);
      if (!isKnown) {
        response.writeHead(401).end();
        return;
      }
      const wanted = [...searchParams.getAll("scope"), ...form.getAll("scope")].flatMap((scope) => scope.split(" "));
      scopes.push(...wanted);
      const access = wanted.map((scope) => {
        const [type, name, actions = ""] = scope.split(":");
        return { type, name, actions: actions.split(",") };
      });
      const now = Math.floor(Date.now() / 1000);
      const claims = { iss: "test", sub: username, aud: host, iat: now, nbf: now - 10, exp: now + 300, jti: crypto.randomUUID(), access };
      const text = `${head}.${encode(claims)}`;
      const token = `${text}.${createSign("RSA-SHA256").update(text).sign(key, "base64url")}`;
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ token, access_token: token }));
    };
    void answer();
  };
}

async function makeCertificate(address: string, certificate: string, key: string): Promise<void> {
  const subject = ["-subj", "/CN=registry", "-addext", `subjectAltName=IP:${address}`];
  await must("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, ...subject, "-out", certificate]);
}

/** Bcrypt, as the registry wants it. */
function hash(password: string): Promise<string> {
  return must("perl", ["-e", 'print crypt(<STDIN>, "\\$2b\\$05\\$" . "a" x 21 . "u")'], { stdin: "pipe", input: password });
}

async function freePort(address: string): Promise<number> {
  const server = createServer().listen(0, address);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function untilAnswers(address: string, port: number): Promise<void> {
  const { exitCode } = await run("bash", [
    "-c",
    `for i in {1..100}; do (: </dev/tcp/${address}/${port}) 2>/dev/null && exit; sleep 0.05; done; exit 1`,
  ]);
  if (exitCode !== 0) throw new Error(`nothing listens at ${address}:${port}`);
}

function trust(host: string, certificate: string): string {
  return `mkdir -p /etc/docker/certs.d/${host} && cat >/etc/docker/certs.d/${host}/ca.crt <<'END'\n${certificate}\nEND`;
}

function speakPlain(host: string): string {
  return changeEngine(`s/"insecure-registries":\\[/&"${host}",/`, `grep -qF '"${host}"'`);
}

function forgetPlain(host: string): string {
  return changeEngine(`s/"${host}",//`, `(! grep -qF '"${host}"')`);
}

/** Edits the engine's configuration, and waits until what it says of its registries satisfies a command. */
function changeEngine(edit: string, isThere: string): string {
  return `exec 9>/run/lock/daemon.json; flock 9
    export DOCKER_HOST=$([ -e /run/outside/docker.sock ] && echo unix:///run/outside/docker.sock)
    sed -i '${edit}' /etc/docker/daemon.json; kill -HUP "$(pidof dockerd)"
    for i in $(seq 100); do docker info --format '{{json .RegistryConfig.IndexConfigs}}' | ${isThere} && exit; sleep 0.05; done; exit 1`;
}
