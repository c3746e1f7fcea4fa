import { readFile } from "node:fs/promises";
import { expect } from "vitest";
import { onHost } from "../hosts.ts";
import { makeProject, type Project } from "./compose-project.ts";
import { everyMount, firstCourse, health, others, writer, type Course, type Mount } from "./recording-services.ts";

/** A project whose services write to what they mount, all the time. */
export class RecordingProject {
  course: Course = firstCourse;
  /** Whether coldtivate has it. */
  isTaken = false;
  /** Whether ./conf, content of the commit, has been data, which it then stays. */
  isConfData = false;

  readonly name: string;
  readonly services: readonly string[];
  readonly project: Project;
  private readonly settings: string;

  private constructor(name: string, services: readonly string[], project: Project, settings: string) {
    this.name = name;
    this.services = services;
    this.project = project;
    this.settings = settings;
  }

  /** @param services beside `all`, which mounts every kind */
  static async make(name: string, services: readonly string[]): Promise<RecordingProject> {
    await RecordingProject.clear(name);
    await onHost("staging", `mkdir -p /srv/ledger-${name} /srv/${name} && docker volume create ${name}-others >/dev/null`);
    const project = await makeProject({
      name,
      images: { writer: "writer" },
      files: {
        "compose.yaml": "services: {}\n",
        "writer/Dockerfile": 'ARG BASE\nFROM ${BASE}\nCOPY writer.py /\nVOLUME /k/image\nCMD ["python3", "-u", "/writer.py"]\n',
        "writer/writer.py": writer,
      },
      compose: ["compose.yaml"],
    });
    const recording = new RecordingProject(name, ["all", ...services], project, await readFile(`${project.clone}/coldtivate.yml`, "utf8"));
    await project.change(recording.files());
    return recording;
  }

  private static async clear(name: string): Promise<void> {
    await onHost(
      "staging",
      `rm -rf /srv/ledger-${name} /srv/${name} /opt/plain/beside-${name}; docker volume rm -f ${name}-others >/dev/null`,
    );
  }

  async remove(): Promise<void> {
    await this.project.remove();
    await RecordingProject.clear(this.name);
  }

  /** Everything that the commit has of this course. */
  files(): Record<string, string | undefined> {
    const { course, settings } = this;
    const data = `all: { data: [./conf, ./one.ini] }`;
    const twin = this.has("twin") ? "twin: { rollout: blue-green }" : "";
    const lines = [course.isDeclared ? data : "", twin].filter((line) => line !== "");
    return {
      "coldtivate.yml": `# ${course.version}\n${settings}keep_releases: ${course.keep}\nservices:${lines.length === 0 ? " {}" : lines.map((line) => `\n  ${line}`).join("")}\n`,
      "compose.yaml": `services:\n${this.services.map((service) => this.serviceText(service)).join("")}volumes: { named: {}, named2: {}, other: {}, held: {}, twin: {}, many: {}, others: { external: true, name: ${this.name}-others } }\n`,
      "conf/a.ini": course.isUntracked ? undefined : `${course.conf}\n`,
      "one.ini": `${course.conf}\n`,
      "uploads/.gitkeep": "",
      ...(course.uploads > 0 ? { [`uploads/note-${course.uploads}`]: `${course.uploads}\n` } : {}),
    };
  }

  has(service: string): boolean {
    return this.services.includes(service) && this.course.lacks !== service;
  }

  /** Keys of what is mounted by services that are there. */
  keys(): string[] {
    return this.services.filter((service) => this.has(service)).flatMap((service) => this.mounts(service).map(({ key }) => key));
  }

  private mounts(service: string): Mount[] {
    return others[service]?.mounts ?? everyMount(this.name, this.course);
  }

  private serviceText(service: string): string {
    if (!this.has(service)) return "";
    const mounts = this.mounts(service);
    const writes = mounts.map(({ key, target, writes: isWritten }) => `${key}=${target}${isWritten === false ? "=no" : ""}`);
    const { rolls, fails } = this.course;
    const isServer = service === "held" || service === "twin";
    return `  ${service}:
    image: \${CI_REGISTRY_IMAGE}/writer:\${CI_COMMIT_REF_SLUG}
    stop_signal: SIGKILL
    tmpfs: [/k/memory]
    environment: { ROLL: "${rolls[service] ?? 0}", FAILS: "${fails === service ? "yes" : "no"}", WRITES: "${writes.join(" ")}"${isServer ? ', PORT: "8000"' : ""} }
${others[service]?.more ?? ""}${isServer ? health : ""}    volumes:
${[...mounts.map(({ written }) => written), `/srv/ledger-${this.name}:/ledger`]
  .filter((mount) => mount !== "")
  .map((mount) => `      - ${mount}\n`)
  .join("")}`;
  }

  /** What the containers that are there write to, by key. */
  async serving(): Promise<Map<string, Serving>> {
    const lines = await onHost(
      "staging",
      `docker ps -q --filter label=com.docker.compose.project=${this.project.project} |
         xargs -r docker inspect --format '{{println .Id .State.Pid}}{{range .Config.Env}}{{println .}}{{end}}' | sed -n '/^[0-9a-f]\\{64\\} [0-9]*$/p; s/^WRITES=/WRITES /p'
       true`,
    );
    const found = new Map<string, Serving>();
    let id = "";
    let root = "";
    for (const line of lines.split("\n")) {
      if (!line.startsWith("WRITES ")) {
        const [container = "", pid = ""] = line.trim().split(" ");
        id = container;
        root = `/proc/${pid}/root`;
      } else
        for (const [key = "", path = ""] of line
          .slice(7)
          .split(" ")
          .map((word) => word.split("=")))
          found.set(key, {
            containers: [...(found.get(key)?.containers ?? []), id],
            roots: [...(found.get(key)?.roots ?? []), root],
            path,
          });
    }
    return found;
  }

  /**
   * Records that are in the ledger, and neither where the containers that serve would see them, nor, of places that these do
   * not mount, anywhere on the host.
   */
  async missing(): Promise<string[]> {
    const { state } = this.project;
    const serving = await this.serving();
    const looks = [...serving].map(
      ([key, { roots, path }]) =>
        `look ${key} "$({ ${roots.map((root) => `cat ${root}${path}/records 2>/dev/null || cat ${root}${path} 2>/dev/null`).join("; ")}; } || true)"`,
    );
    const counted = await onHost(
      "staging",
      `cd /srv/ledger-${this.name}
       snapshot=$(mktemp -d) && cp -r . "$snapshot"
       look() { [ ! -e "$snapshot/$1" ] || echo "$1 $(comm -23 <(sort "$snapshot/$1") <(sort <<<"$2") | wc -l) $(wc -l <"$snapshot/$1")"; }
       ${looks.join("\n")}
       root=$(docker info --format '{{.DockerRootDir}}')
       all=$(find ${state} /opt/plain/${this.name} /opt/plain/beside-${this.name} /srv/${this.name} "$root/volumes" \\( -name records -o -name one.ini \\) -exec cat {} + 2>/dev/null)
       echo "anywhere $(cat "$snapshot"/* | sort | comm -23 - <(sort <<<"$all") | wc -l) $(cat "$snapshot"/* | wc -l)"
       rm -rf "$snapshot"`,
    );
    const lines = counted.split("\n").map((line) => line.split(" "));
    expect(lines.length, counted).toBeGreaterThan(3);
    return lines.filter(([, lost]) => lost !== "0").map((words) => words.join(" "));
  }
}

/** Where records of one key are written. */
interface Serving {
  containers: string[];
  /** Where the host has the file systems that these see. */
  roots: string[];
  /** The place, as the containers name it. */
  path: string;
}
