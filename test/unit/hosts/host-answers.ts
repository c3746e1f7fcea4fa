import { createHash } from "node:crypto";

/** What a host says to each kind of question: text, or as it likes. */
export type HostAnswers = Readonly<Record<Question, HostAnswer>>;
export type HostAnswer = string | DetailedAnswer;
export interface DetailedAnswer {
  stdout?: string | Buffer;
  stderr?: string;
  code?: number;
  /** Says it again and again. */
  isEndless?: boolean;
  /** Says nothing more, and does not end either. */
  isSilent?: boolean;
}

/** The questions that the CLI has for a host, by what is in the command. */
export const questions = {
  recover: /-c recover'$/,
  catchUp: /-c catch_up \S+'$/,
  history: /-c history'$/,
  attach: /-c attach'$/,
  lock: /-c lock'$/,
  unlock: /-c unlock'$/,
  follow: /-c follow \S+'$/,
  apply: /-c deploy "\$release"'$/,
  observe: / observe "\$d"; \}'$/,
  survey: /; survey'$/,
  serving: /-c serving'$/,
  socket: /-c engine_socket'$/,
  kept: /-c kept_images'$/,
  files: /-c kept_release \S+'$/,
} satisfies Record<string, RegExp>;
export type Question = keyof typeof questions | "engine";

export const project = "shop-staging";
export const state = `/home/deploy/.coldtivate/${project}`;
export const directory = "/home/deploy/.coldtivate/incoming.x/compose";
export const [before, serving] = ["20261123t095500-aaaaaaaa", "20261123t101500-bbbbbbbb"];
const commits: Record<string, string> = { [before]: "a".repeat(40), [serving]: "b".repeat(40) };

export const digest = (letter: string) => `sha256:${createHash("sha256").update(letter).digest("hex")}`;
const image = (id: string) => `r.example/shop/web@${digest(id)}`;

/** The model that Docker Compose makes of the commit's file. */
export const model = {
  name: project,
  services: {
    web: {
      image: "r.example/shop/web:1",
      command: null,
      entrypoint: null,
      volumes: [{ type: "bind", source: `${directory}/conf`, target: "/conf", read_only: true, bind: { create_host_path: true } }],
      networks: { default: null },
      secrets: [{ source: "token" }],
    },
    db: { image: "postgres:15", command: null, entrypoint: null, networks: { default: null } },
  },
  secrets: { token: { name: `${project}_token`, environment: "MENTIONED" } },
  networks: { default: { name: `${project}_default`, ipam: {} } },
};

export function manifest(id: string) {
  const service = (of: string, reference: string) => ({ definition: `d-${id}`, reference, image: of });
  const facts = { ports: [], volumes: [], entrypoint: [], command: ["web"], environment: {} };
  return {
    version: 1,
    id,
    project: "shop",
    environment: "staging",
    commit: commits[id],
    createdAt: "2026-11-23T10:15:00.000Z",
    tasks: {},
    services: { web: service(image(id), "r.example/shop/web:1") },
    fronts: {},
    images: { [image(id)]: facts },
    places: {},
  };
}

/** What `observe` gives, field by field. */
export const fields = {
  protocol: "1",
  state,
  directory,
  engine: "28.5.0",
  compose: "2.40.0",
  current: serving,
  manifest: JSON.stringify(manifest(serving)),
  locked: "",
  running: "",
  unsettled: "",
  containers: ["c1", `${project}-web-1`, "web", image(serving), `d-${serving}`, state, "running", "-", "False", `${project}_default`].join(
    "\t",
  ),
  fronts: "",
  written: "",
  images: `${image(serving)}\n${image(before)}`,
  capacity: "memory\t8000000000\t6000000000\ndisk\t/var/lib/docker\t90000000000",
  model: JSON.stringify(model),
  error: "",
};

const keptModel = JSON.stringify({ name: project, services: { web: { image: image(before) } } });
const past = [serving, before].map((id) => `${id}\t${commits[id]}\tmain\t-\t-`).join("\n");

/** The same where a rollback asks. */
export const pastFields = {
  ...fields,
  past,
  "kept/manifest.json": JSON.stringify(manifest(before)),
  "kept/compose.json": keptModel,
  "kept/plan.full": "recreate\tweb\nhealthy\tweb\t60\t2\ncommit",
  "kept/hooks": "",
};

/** Fields as the script writes them. */
export function inFields(content: Readonly<Record<string, string>>): string {
  return Object.entries(content)
    .map(([name, text]) => `${name}\t${Buffer.byteLength(text)}\n${text}\n`)
    .join("");
}

/** A plan that is followed. */
export const plan = { expect: before, services: [], steps: [{ verb: "recreate", args: ["web"], title: "replace web" }] };

export const container = {
  Names: [`/${project}-web-1`],
  Labels: { "com.docker.compose.service": "web", "coldtivate.definition": `d-${serving}` },
  State: "running",
  Status: "Up 3 minutes",
  Image: image(serving),
};

/** An answer of Docker's API. */
export function http(body: string, head = "200 OK"): string {
  return `HTTP/1.1 ${head}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** What an honest host says. */
export const honestAnswers: HostAnswers = {
  recover: `current\t${serving}\norder\t${before}\t${serving}\n`,
  catchUp: "",
  history: `${serving}\n2026-11-23T10:15:00Z\t2026-11-23T10:15:09Z\t${serving}\tfinished\tann from laptop\t${commits[serving]}\tmain\tweb\t-\n`,
  attach: `${serving}\n${JSON.stringify(plan)}\n1\t0\tnow\t\n1\t1\tbegin\trecreate web\n1\t1\tdone\t\n1\t0\tfinished\t\n`,
  lock: { stderr: "locked\n" },
  unlock: { stderr: "no longer locked\n" },
  follow: { code: 5 },
  apply: `1\t0\tbegin\tann\n1\t1\tbegin\texpect\n1\t1\tdone\t\n1\t0\tfinished\t\n`,
  observe: inFields(fields),
  survey: "",
  serving: inFields({ manifest: JSON.stringify(manifest(serving)), committed_at: "1795500000000000", locked: "", running: "" }),
  socket: "",
  kept: `${digest(serving)}\n`,
  files: inFields({ "manifest.json": JSON.stringify(manifest(before)), "compose.json": keptModel, "plan.full": "commit", hooks: "" }),
  engine: http(JSON.stringify([container])),
};
