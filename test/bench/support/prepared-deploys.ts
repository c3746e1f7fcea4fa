import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { must, network, onStaging, time, top } from "./machine.ts";

/** Two commits between which one service differs, and nothing else: the one that serves at rest, and the other one. */
export interface Pair {
  rest: string;
  other: string;
}

/** All that is made before anything is measured. */
export interface PreparedDeploys extends AsyncDisposable {
  /** A clone of the monorepo. */
  clone: string;
  /** What the CLI goes between, and what the floor does; both pairs' images are pushed. */
  own: Pair;
  floor: Pair;
  imageOf: (commit: string) => string;
}

const repository = "ml4-india";

/**
 * Makes commits, pushes their images, and has the staging host serve one of each pair.
 * Tasks are the team's own work, and the floor has none: they are left out.
 */
export async function prepareDeploys(): Promise<PreparedDeploys> {
  const folder = await mkdtemp(join(tmpdir(), "coldtivate-bench-"));
  const clone = join(folder, "monorepo");
  await must("git", ["clone", "--quiet", await must("git", ["-C", monorepo(), "remote", "get-url", "origin"]), clone]);
  await configure(join(clone, "coldtivate.yml"));
  await checkOften(join(clone, "docker-compose.yml"));
  // Its server looks once a second whether it is to end, and at once when it is to end quickly: chance stays out of it.
  await appendFile(join(clone, "ML4-India/Dockerfile"), "STOPSIGNAL SIGQUIT\n");
  const commits: string[] = [];
  for (const price of [1, 2, 3, 4]) commits.push(await commitPrice(clone, price));
  const [restOwn, otherOwn, restFloor, otherFloor] = commits as [string, string, string, string];
  for (const commit of commits) {
    await must("git", ["checkout", "--quiet", commit], clone);
    await time("coldtivate", ["build", "--push"], { cwd: clone });
  }
  await must("git", ["checkout", "--quiet", "main"], clone);
  const prepared = {
    clone,
    own: { rest: restOwn, other: otherOwn },
    floor: { rest: restFloor, other: otherFloor },
    imageOf: (commit: string) => `${process.env["CI_REGISTRY_IMAGE"]}/${repository}:${commit.slice(0, 8)}`,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
  await time("coldtivate", ["deploy", "staging", "--ref", restOwn, "--allow-older"], { cwd: clone });
  await layFloor(prepared.imageOf(restFloor));
  return prepared;
}

/** Removes from the staging host what no container uses, of the image that is released: the next release has to pull it. */
export async function forgetImages(): Promise<void> {
  await onStaging(
    `docker image ls --digests --format '{{.Repository}}@{{.Digest}} {{.ID}}' | grep '/${repository}@' | cut -d' ' -f2 | sort -u | xargs -rn 1 docker image rm -f >/dev/null 2>&1 || true`,
  );
}

/** How long the service itself took to turn healthy the last time it was started, in milliseconds. */
export async function readHealthTime(): Promise<number> {
  const format =
    '{{.State.StartedAt}}{{range .State.Health.Log}} {{if eq .ExitCode 0}}{{.End.Format "2006-01-02T15:04:05.999999999Z07:00"}}{{end}}{{end}}';
  const answer = await onStaging(`docker ps -q --filter name=scraping_india-[bg] | xargs docker inspect --format '${format}'`);
  const [started = "", first = ""] = answer.split(/\s+/);
  return Date.parse(first) - Date.parse(started);
}

/** When the host committed its newest release, in milliseconds since the epoch. */
export async function readCommitTime(): Promise<number> {
  const journal = await onStaging('cat "$(ls -d /home/deploy/.coldtivate/coldtivate-staging/releases/* | tail -n 1)/journal"');
  return Number(/^(\d+)\t0\tcommitted\t/m.exec(journal)?.[1]) / 1000;
}

function monorepo(): string {
  const net = network().replace(/\/24$/, "");
  return join(top, ".sandbox", ...(net === "198.18.0.0" ? [] : [net]), "monorepo");
}

async function configure(path: string): Promise<void> {
  const document = parseDocument(await readFile(path, "utf8"));
  document.delete("tasks");
  document.setIn(["environments", "staging", "port"], "${STAGING_SSH_PORT:-22}");
  await writeFile(path, document.toString());
}

/** How long a container takes to turn healthy is not what is measured: it is looked at as often as by the floor. */
async function checkOften(path: string): Promise<void> {
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace("start_interval: 500ms", "start_interval: 200ms"));
}

async function commitPrice(clone: string, price: number): Promise<string> {
  await appendFile(join(clone, "ML4-India/data/bench.csv"), price === 1 ? "week,price\n1,1\n2,1\n" : `${price + 1},${price}\n`);
  await must("git", ["add", "ML4-India"], clone);
  await must(
    "git",
    ["-c", "user.name=Bench", "-c", "user.email=bench@example.org", "commit", "--quiet", "--message", `feat: price ${price}`],
    clone,
  );
  return must("git", ["rev-parse", "HEAD"], clone);
}

/** What a person would have set up before: a login, a network, a front, and the service in one slot behind it. */
async function layFloor(image: string): Promise<void> {
  const account = `${process.env["CI_REGISTRY_USER"]}:${process.env["CI_REGISTRY_PASSWORD"]}`;
  const login = JSON.stringify({ auths: { [process.env["CI_REGISTRY"] ?? ""]: { auth: Buffer.from(account).toString("base64") } } });
  const script = await readFile(join(top, "test/bench/floor.sh"), "utf8");
  await onStaging(`set -e
    docker ps -aq --filter name=floor- | xargs -r docker rm -f >/dev/null
    docker network inspect floor >/dev/null 2>&1 || docker network create floor >/dev/null
    cd /home/deploy && mkdir -p .docker floor/front && cd floor
    printf %s '${login}' >../.docker/config.json
    printf '%s\\n' SERVICE=scraping_india >env
    cat >release.sh <<'FLOOR'\n${script}\nFLOOR
    cp "$(ls -d /home/deploy/.coldtivate/coldtivate-staging/current/fronts/scraping_india.cfg)" original
    sed 's/@INIT@/libc,none/' original >template
    sed 's/@SLOT@/floor-blue/; s/libc,none/none/' template >front/haproxy.cfg
    chown -R deploy:deploy . ../.docker && chmod 600 ../.docker/config.json && chmod -R a+rX .
    export HOME=/home/deploy
    docker pull -q '${image}' >/dev/null
    docker run -d --name floor-front --network floor --volume "$PWD/front:/usr/local/etc/haproxy:ro" \
      '${process.env["FRONT_IMAGE"]}' >/dev/null
    docker run -d --name floor-blue --network floor --restart always --stop-timeout 35 --env-file env '${image}' >/dev/null`);
}
