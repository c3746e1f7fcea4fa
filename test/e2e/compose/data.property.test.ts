import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { onHost } from "../world.ts";
import { makeProject, type Project } from "./project.ts";

/** How many things happen to the project; more find more. */
const rounds = Number(process.env["COLDTIVATE_DATA_ROUNDS"] ?? "11");
/** The same seed, the same course of things. */
const seed = Number(process.env["COLDTIVATE_DATA_SEED"] ?? String(Date.now() % 1_000_000));

/** Every kind of mount, by a name: where it is mounted, and how Compose writes it. */
const kinds: Record<string, { target: string; written: string }> = {
  untracked: { target: "/k/untracked", written: "./media:/k/untracked" },
  placeholder: { target: "/k/placeholder", written: "./uploads:/k/placeholder" },
  folder: { target: "/k/folder", written: "./conf:/k/folder" },
  file: { target: "/k/file.ini", written: "./one.ini:/k/file.ini" },
  outside: { target: "/k/outside", written: "../beside:/k/outside" },
  absolute: { target: "/k/absolute", written: "/srv/absolute:/k/absolute" },
  named: { target: "/k/named", written: "named:/k/named" },
  external: { target: "/k/external", written: "others:/k/external" },
  anonymous: { target: "/k/anonymous", written: "/k/anonymous" },
  image: { target: "/k/image", written: "" },
};

/** What the project is at some time. */
interface Course {
  version: number;
  conf: number;
  uploads: number;
  /** Whether coldtivate.yml calls what the commit has data. */
  isDeclared: boolean;
  keep: number;
  /** Whether the untracked folder is to be a volume. */
  isVolume: boolean;
  /** Whether the container ends soon after it has begun. */
  fails: boolean;
}

let course: Course = { version: 1, conf: 1, uploads: 0, isDeclared: false, keep: 1, isVolume: false, fails: false };
let project: Project;
let settings: string;

function mulberry(state: number): () => number {
  let now = state;
  return () => {
    now = (now + 0x6d2b79f5) | 0;
    let mixed = Math.imul(now ^ (now >>> 15), 1 | now);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A record goes to its mount first, then to the ledger, which coldtivate knows nothing of: each one there has to be in both. */
const writer = `#!/bin/sh
i=0
while :; do
  i=$((i + 1))
  for kind in $KINDS; do
    record=$(hostname)-$i
    if [ -d /k/$kind ]; then file=/k/$kind/records; else file=/k/$kind.ini; fi
    echo "$record" >>$file && echo "$record" >>/ledger/$kind
  done
  [ "$FAILS" != true ] || [ $i -lt 5 ] || exit 7
  sleep 0.1
done
`;

function filesOf({ version, conf, uploads, isVolume, fails, ...rest }: Course): Record<string, string> {
  const mounts = Object.entries(kinds).map(([kind, { written }]) => (kind === "untracked" && isVolume ? "other:/k/untracked" : written));
  const data = rest.isDeclared ? "services: { writer: { data: [./conf, ./one.ini] } }\n" : "";
  return {
    "coldtivate.yml": `${settings}keep_releases: ${rest.keep}\n${data}`,
    "compose.yaml": `services:
  writer:
    image: \${CI_REGISTRY_IMAGE}/writer:\${CI_COMMIT_REF_SLUG}
    stop_signal: SIGKILL
    environment: { VERSION: "${version}", FAILS: "${fails}", KINDS: "${kindsWritten(rest).join(" ")}" }
    volumes:
${[...mounts, "/srv/ledger:/ledger"]
  .filter((mount) => mount !== "")
  .map((mount) => `      - ${mount}\n`)
  .join("")}volumes: { named: {}, other: {}, others: { external: true } }
`,
    "conf/a.ini": `${conf}\n`,
    "one.ini": `${conf}\n`,
    "uploads/.gitkeep": "",
    ...(uploads > 0 ? { [`uploads/note-${uploads}`]: `${uploads}\n` } : {}),
  };
}

/** Content of the commit is written to only where it is data: otherwise nothing could be deployed but what serves. */
function kindsWritten({ isDeclared }: Pick<Course, "isDeclared">): string[] {
  return Object.keys(kinds).filter((kind) => isDeclared || (kind !== "folder" && kind !== "file"));
}

/** Records that are in the ledger, and that the container that serves does not see where they were written. */
async function missing(): Promise<Record<string, number>> {
  const lost = await onHost(
    "staging",
    `id=$(docker ps -q -f label=com.docker.compose.project=${project.project} | head -n 1)
     for kind in $(cd /srv/ledger && ls -p | grep -v /); do
       cp /srv/ledger/$kind /tmp/ledger
       docker exec $id sh -c "cat /k/$kind/records 2>/dev/null || cat /k/$kind.ini" | sort >/tmp/seen
       echo "$kind $(sort /tmp/ledger | comm -23 - /tmp/seen | wc -l) $(wc -l </tmp/ledger)"
     done`,
  );
  const lines = lost.split("\n").map((line) => line.split(" "));
  expect(lines.every(([, , all]) => Number(all) > 0)).toBe(true);
  return Object.fromEntries(lines.map(([kind = "", count]) => [kind, Number(count)]));
}

async function serving(): Promise<string> {
  return onHost("staging", `readlink ${project.state}/current || true`);
}

/** Commits a course of things and deploys it; where that is refused or undone the commit stays, as with anybody. */
async function deploy(next: Partial<Course>, exitCode: number, ...args: string[]): Promise<string> {
  course = { ...course, ...next, version: course.version + 1 };
  await project.change(filesOf(course));
  const ran = await project.run("deploy", "staging", ...args);
  expect(ran.exitCode, ran.output).toBe(exitCode);
  return ran.output;
}

const acts: Record<string, () => Promise<void>> = {
  "another version": async () => void (await deploy({}, 0)),
  "a file in the placeholder folder": async () => void (await deploy({ uploads: course.uploads + 1 }, 0)),
  "content changes": async () => void (await deploy({ conf: course.conf + 1 }, 0)),
  "keep more releases": async () => void (await deploy({ keep: course.keep === 1 ? 3 : 1 }, 0)),
  "what the commit has becomes data": async () => void (await deploy({ isDeclared: true }, 0)),
  "a release that fails": async () => {
    const before = await serving();
    await deploy({ fails: true, conf: course.conf + 1 }, 4);
    course = { ...course, fails: false };
    expect(await serving()).toBe(before);
  },
  "a mount of another kind": async () => {
    const before = await serving();
    expect(await deploy({ isVolume: true }, 3)).toContain("would leave behind what containers wrote");
    course = { ...course, isVolume: false };
    expect(await serving()).toBe(before);
  },
  "a write to watched content": async () => {
    if (course.isDeclared) return acts["another version"]!();
    // In place, and back again, so that the course goes on.
    const inContainer = (command: string) =>
      onHost(
        "staging",
        `docker exec $(docker ps -q -f label=com.docker.compose.project=${project.project} | head -n 1) sh -c '${command}'`,
      );
    await inContainer("echo mine >/k/folder/mine; echo mine >>/k/file.ini");
    const before = await serving();
    expect(await deploy({ conf: course.conf + 1 }, 3)).toMatch(/wrote to \.\/conf: mine .*\n.*wrote to \.\/one\.ini: one\.ini/);
    expect(await serving()).toBe(before);
    await deploy({ isDeclared: true }, 0);
    expect(await inContainer("cat /k/folder/mine; tail -n 1 /k/file.ini || true")).toContain("mine");
  },
  "a rollback": async () => {
    const { exitCode, output } = await project.run("rollback", "staging");
    expect([0, 3], output).toContain(exitCode);
    // Kept releases may differ in nothing, or be those of before what is data now.
    if (exitCode === 3) expect(output).toMatch(/has no release to go back to|would leave behind what containers wrote/);
  },
  "a kept release by hand": async () => {
    const ids = (await onHost("staging", `ls ${project.state}/releases`)).split("\n");
    const script = `runuser -u deploy -- bash ${project.state}/environment-deployment-management.sh -p ${project.project} deploy ${ids[0]}`;
    const output = await onHost("staging", `cd /tmp && HOME=/home/deploy ${script} 2>&1 || echo "ended with $?"`);
    if (output.includes("ended with")) expect(output).toMatch(/ended with [34]/);
  },
};

beforeAll(async () => {
  await onHost(
    "staging",
    "rm -rf /srv/ledger /srv/absolute; mkdir -p /srv/ledger /srv/absolute; docker volume rm -f others >/dev/null; docker volume create others",
  );
  project = await makeProject({
    name: "ledger",
    images: { writer: "writer" },
    files: {
      "compose.yaml": "services: {}\n",
      "writer/Dockerfile": 'ARG BASE\nFROM ${BASE}\nCOPY writer.sh /writer.sh\nVOLUME /k/image\nCMD ["sh", "/writer.sh"]\n',
      "writer/writer.sh": writer,
    },
    compose: ["compose.yaml"],
  });
  settings = await readFile(`${project.clone}/coldtivate.yml`, "utf8");
  await project.change(filesOf(course));
});

afterAll(async () => {
  await project.remove();
  await onHost("staging", "rm -rf /srv/ledger /srv/absolute; docker volume rm -f others >/dev/null");
});

test(
  `no record is missing, whatever happens to a service that writes: seed ${seed}, ${rounds} rounds`,
  { timeout: 60_000 * rounds },
  async () => {
    const random = mulberry(seed);
    console.info(`COLDTIVATE_DATA_SEED=${seed} COLDTIVATE_DATA_ROUNDS=${rounds}`);
    await project.plain("up", "-d");
    await expect.poll(() => onHost("staging", "ls /srv/ledger"), { timeout: 20_000 }).toContain("named");
    await deploy({}, 0);
    expect(await missing()).toEqual(Object.fromEntries(kindsWritten(course).map((kind) => [kind, 0])));
    const names = Object.keys(acts);
    for (let round = 1; round <= rounds; round++) {
      const name = names[Math.floor(random() * names.length)]!;
      console.info(`${round}. ${name}`);
      await acts[name]!();
      const lost = Object.entries(await missing()).filter(([, count]) => count > 0);
      expect(lost, `after ${name}, seed ${seed}`).toEqual([]);
    }
  },
);
