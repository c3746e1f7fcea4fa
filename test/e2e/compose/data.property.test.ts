import { afterAll, beforeAll, expect, test } from "vitest";
import { onHost } from "../support/hosts.ts";
import { RecordingProject } from "../support/projects/recording-project.ts";
import type { Course } from "../support/projects/recording-services.ts";

/** How many things happen to the projects; more find more. */
const rounds = Number(process.env["COLDTIVATE_DATA_ROUNDS"] ?? "10");
/** The same seed, the same course of things. */
const seed = Number(process.env["COLDTIVATE_DATA_SEED"] ?? String(Date.now() % 1_000_000));

const random = mulberry(seed);
const choose = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;

/** Every kind of mount and of rollout; and every kind of mount once more, in a project that plain Compose runs for a while. */
let main: RecordingProject;
let late: RecordingProject;

function mulberry(state: number): () => number {
  let now = state;
  return () => {
    now = (now + 0x6d2b79f5) | 0;
    let mixed = Math.imul(now ^ (now >>> 15), 1 | now);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

async function current({ project }: RecordingProject): Promise<string> {
  return onHost("staging", `readlink ${project.state}/current || true`);
}

/** Commits a course of things and deploys it. Where something would be left behind that is refused, and goes on if it is wanted. */
async function deploy(recording: RecordingProject, next: Partial<Course>, exitCode = 0): Promise<void> {
  const { course } = recording;
  const { version } = course;
  // Some services get a new container, the others stay.
  const rolls = Object.fromEntries(recording.services.map((name) => [name, (course.rolls[name] ?? 0) + (random() < 0.5 ? 1 : 0)]));
  recording.course = { ...course, rolls, ...next, version: version + 1 };
  await recording.project.change(recording.files());
  const keys = new Set(recording.keys());
  const left = [...(await recording.serving()).keys()].filter((key) => !keys.has(key) && recording.course.lacks !== key.split("-")[0]);
  const args: string[] = [];
  if (left.length > 0) {
    const before = await current(recording);
    const refused = await recording.project.run("deploy", "staging");
    expect(refused.exitCode, `${left.join(" ")} would be left behind:\n${refused.output}`).toBe(3);
    expect(refused.output).toContain("would leave behind what containers wrote");
    expect(await current(recording)).toBe(before);
    args.push("--leave-data");
  }
  let ran = await recording.project.run("deploy", "staging", ...args);
  // What is data may have become content again, in a release of before that was applied by hand or that failed.
  if (ran.exitCode === 3 && !recording.course.isDeclared && /at \/k\/(folder|file\.ini)/.test(ran.output)) {
    recording.course = { ...recording.course, isDeclared: true };
    await recording.project.change(recording.files());
    ran = await recording.project.run("deploy", "staging", ...args);
  }
  expect(ran.exitCode, ran.output).toBe(exitCode);
}

/** Goes back, by a command that may be refused for what it would leave behind: then without that, unless it is content. */
async function goBack(back: (...args: string[]) => Promise<{ exitCode: number; output: string }>): Promise<void> {
  const { exitCode, output } = await back();
  expect([0, 3], output).toContain(exitCode);
  if (exitCode === 0 || output.includes("has no release to go back to")) return;
  expect(output).toMatch(/would leave behind what containers wrote|mounts nowhere what containers write to/);
  if (/at \/k\/(folder|file\.ini)|containers wrote to/.test(output)) return;
  const again = await back("--leave-data");
  expect(again.exitCode, again.output).toBe(0);
}

type Act = (recording: RecordingProject) => Promise<void>;
const flip =
  (key: "isVolume" | "isRenamed" | "isReadOnly" | "isMoved" | "isRemoved" | "isUntracked"): Act =>
  (recording) =>
    deploy(recording, { [key]: !recording.course[key] });

const acts: Record<string, Act> = {
  "another version, and others of what the commit has": (recording) =>
    deploy(recording, { uploads: recording.course.uploads + 1, conf: recording.course.conf + 1, keep: choose([1, 1, 3]) }),
  "what the commit has becomes data": (recording) => deploy(recording, { isDeclared: true }),
  async "a folder is in the commit no longer, or again"(recording) {
    await flip("isUntracked")(recording);
    // What was data once stays data.
    recording.isConfData = true;
  },
  "a folder becomes a volume, or a folder again": flip("isVolume"),
  "a volume is another one, or the former": flip("isRenamed"),
  "a folder is mounted read-only, or writable again": flip("isReadOnly"),
  "a folder is mounted elsewhere": flip("isMoved"),
  "a volume is mounted no longer, or again": flip("isRemoved"),
  "a service goes, or comes back": (recording) =>
    deploy(recording, { lacks: recording.course.lacks === "" ? (recording.services[1] ?? "") : "" }),
  async "a release that fails"(recording) {
    const before = await current(recording);
    const fails = choose(recording.services.filter((name) => recording.has(name)));
    const rolls = { ...recording.course.rolls, [fails]: (recording.course.rolls[fails] ?? 0) + 1 };
    await deploy(recording, { fails, rolls, conf: recording.course.conf + 1 }, 4);
    recording.course = { ...recording.course, fails: "" };
    expect(await current(recording)).toBe(before);
  },
  async "a write to content of the commit"(recording) {
    if (recording.course.isDeclared || recording.isConfData) return acts["another version, and others of what the commit has"]!(recording);
    const { path = "" } = (await recording.serving()).get("folder") ?? {};
    const id = `$(docker ps -qf label=com.docker.compose.project=${recording.project.project} -f label=com.docker.compose.service=all)`;
    await onHost("staging", `docker exec ${id} sh -c 'echo mine >${path}/mine'`);
    const before = await current(recording);
    recording.course = { ...recording.course, conf: recording.course.conf + 1 };
    await recording.project.change(recording.files());
    const refused = await recording.project.run("deploy", "staging");
    expect(refused.exitCode, refused.output).toBe(3);
    expect(refused.output).toMatch(/wrote to \.\/conf: mine /);
    expect(await current(recording)).toBe(before);
    await deploy(recording, { isDeclared: true });
    expect(await onHost("staging", `docker exec ${id} cat ${path}/mine`)).toBe("mine");
  },
  "a rollback": (recording) => goBack((...args) => recording.project.run("rollback", "staging", ...args)),
  async "a kept release by hand"({ project }) {
    const ids = (await onHost("staging", `ls ${project.state}/releases`)).split("\n");
    const id = choose(ids);
    await goBack(async (...args) => {
      const script = `runuser -u deploy -- bash ${project.state}/environment-deployment-management.sh -p ${project.project} deploy ${id} ${args.join(" ")}`;
      const output = await onHost("staging", `cd /tmp && HOME=/home/deploy ${script} 2>&1 && echo "ended with 0" || echo "ended with $?"`);
      const code = Number(/ended with (\d)$/.exec(output.trim())?.[1]);
      // A release that was undone fails again.
      return { exitCode: code === 4 ? 0 : code, output };
    });
  },
  "whatever nobody uses is removed from the host": async () =>
    void (await onHost("staging", "docker container prune -f && docker image prune -f && docker network prune -f")),
};

/** Has plain Compose's containers taken over. */
async function adopt(recording: RecordingProject): Promise<void> {
  await deploy(recording, {});
  recording.isTaken = true;
}

beforeAll(async () => {
  main = await RecordingProject.make("recording", ["held", "twin", "many"]);
  late = await RecordingProject.make("later", []);
});
afterAll(async () => {
  await main.remove();
  await late.remove();
});

test(
  `no record is missing, whatever happens to services that write: seed ${seed}, ${rounds} rounds`,
  { timeout: 60_000 * (rounds + 2) },
  async () => {
    console.info(`COLDTIVATE_DATA_SEED=${seed} COLDTIVATE_DATA_ROUNDS=${rounds}`);
    for (const recording of [main, late]) {
      await recording.project.plain("up", "-d", "--wait");
      await expect.poll(() => onHost("staging", `ls /srv/ledger-${recording.name}`), { timeout: 20_000 }).toContain("image");
    }
    await adopt(main);
    const adoption = 1 + Math.floor(random() * Math.max(1, rounds - 2));
    for (let round = 1; round <= rounds; round++) {
      const recording = round === adoption || (late.isTaken && random() < 0.4) ? late : main;
      const name = recording.isTaken ? choose(Object.keys(acts)) : "taken over from plain Compose";
      console.info(`${round}. ${recording.name}: ${name}`);
      await (recording.isTaken ? acts[name]!(recording) : adopt(recording));
      for (const each of [main, late]) expect(await each.missing(), `${each.name}, after ${name}, seed ${seed}`).toEqual([]);
    }
  },
);
