import {
  container,
  digest,
  directory,
  fields,
  http,
  inFields,
  manifest,
  model,
  pastFields,
  plan,
  before,
  serving,
  state,
  type Telling,
} from "./answers.ts";

/** What the CLI is about when it is lied to. */
export type Errand = "deploy" | "apply" | "rollback" | "fronts" | "recover" | "status" | "history" | "attach" | "lock" | "unlock" | "prune";

export interface Lie {
  name: string;
  errand: Errand;
  lies: Partial<Telling>;
  /** The error's code; absent: it is seen through, or believed of that host alone, and nothing comes of it. */
  code?: string;
  /** Milliseconds that the host has. */
  within?: number;
}

/** What nobody but the liar is ever to see: a shell's words, a terminal's, and names. */
export const evil = "EVIL";
const shell = `x$(touch /tmp/${evil});echo ${evil}`;
const terminal = `${evil}\u001b]52;c;${Buffer.from(evil).toString("base64")}\u0007\u001b[1A\u001b[2K\u009b2J\r\u202e`;

const observed = (changes: Partial<typeof fields>): Partial<Telling> => ({ observe: inFields({ ...fields, ...changes }) });
const past = (changes: Record<string, string>): Partial<Telling> => ({ observe: inFields({ ...pastFields, ...changes }) });
const modelled = (changes: object): Partial<Telling> => observed({ model: JSON.stringify({ ...model, ...changes }) });
const web = (changes: object) => ({ services: { ...model.services, web: { ...model.services.web, ...changes } } });
const bind = (source: string) => ({ volumes: [{ type: "bind", source, target: "/x" }] });
const kept = (changes: object): Partial<Telling> => {
  const text = JSON.stringify({ ...manifest(before), ...changes });
  return { ...past({ "kept/manifest.json": text }), files: inFields({ "manifest.json": text }) };
};
const deep = "[".repeat(100_000) + "]".repeat(100_000);

export const lies: readonly Lie[] = [
  // What one host says is no command for another.
  { name: "a release that is a command", errand: "recover", lies: { recover: `current\t${shell}\n` }, code: "RECOVERY_INCOMPLETE" },
  { name: "a release that is an option", errand: "recover", lies: { recover: "current\t-c\n" }, code: "RECOVERY_INCOMPLETE" },
  { name: "a release that leads elsewhere", errand: "recover", lies: { recover: `current\t../../${evil}\n` }, code: "RECOVERY_INCOMPLETE" },
  { name: "a release of two lines", errand: "recover", lies: { recover: `current\t${serving}\r${evil}\n` }, code: "RECOVERY_INCOMPLETE" },
  {
    name: "an older release as the newest",
    errand: "recover",
    lies: { recover: `current\t${before}\norder\t${serving}\t${before}\n` },
    code: "RECOVERY_INCOMPLETE",
  },
  {
    name: "a release that nobody else knows",
    errand: "recover",
    lies: { recover: `current\t29991231t000000-${"f".repeat(8)}\n` },
    code: "RECOVERY_INCOMPLETE",
  },
  {
    name: "an outcome that is none",
    errand: "recover",
    lies: { recover: `current\t${serving}\n${serving}\t${terminal}\n` },
    code: "RECOVERY_INCOMPLETE",
  },
  {
    name: "trouble with escape sequences",
    errand: "recover",
    lies: { recover: { stdout: "current\t-\n", stderr: terminal, code: 5 } },
    code: "RECOVERY_INCOMPLETE",
  },

  // Nobody else is asked, and nothing else is sent.
  {
    name: "a service more",
    errand: "deploy",
    lies: modelled({ services: { ...model.services, spy: { image: `${evil}.example/x` } } }),
    code: "HOST_MODEL",
  },
  { name: "another registry's image", errand: "deploy", lies: modelled(web({ image: `evil.example/shop/web:1` })), code: "HOST_MODEL" },
  { name: "an image of the loopback", errand: "deploy", lies: modelled(web({ image: "127.0.0.1:6379/shop/web" })), code: "HOST_MODEL" },
  {
    name: "an image that is no name",
    errand: "deploy",
    lies: modelled(web({ image: `http://169.254.169.254/${evil}` })),
    code: "HOST_MODEL",
  },
  { name: "the repository as a mount", errand: "deploy", lies: modelled(web(bind(directory))), code: "HOST_MODEL" },
  {
    name: "a file of the repository as a mount",
    errand: "deploy",
    lies: modelled(web(bind(`${directory}/secret.txt`))),
    code: "HOST_MODEL",
  },
  {
    name: "a file of the repository as a secret",
    errand: "deploy",
    lies: modelled({ secrets: { token: { file: `${directory}/secret.txt` } } }),
    code: "HOST_MODEL",
  },
  {
    name: "a mount beside a file's name",
    errand: "deploy",
    lies: modelled(web(bind(`${directory}/conf/../secret.txt`))),
    code: "HOST_MODEL",
  },
  {
    name: "a variable that no file mentions as a secret",
    errand: "deploy",
    lies: modelled({ secrets: { token: { environment: "UNMENTIONED" } } }),
    code: "VARIABLE_NOT_SET",
  },
  {
    name: "another registry as what runs now",
    errand: "deploy",
    lies: observed({
      manifest: JSON.stringify({
        ...manifest(serving),
        services: { db: { definition: "d", reference: "postgres:15", image: `evil.example/postgres@${digest("x")}` } },
      }),
    }),
  },
  {
    name: "another registry as what has to be undone",
    errand: "deploy",
    lies: observed({
      images: "",
      manifest: JSON.stringify({
        ...manifest(serving),
        services: { web: { definition: "d", reference: "x", image: `evil.example/web@${digest("x")}` } },
      }),
    }),
  },
  {
    name: "what an image is, for others, too",
    errand: "deploy",
    lies: observed({
      manifest: JSON.stringify({
        ...manifest(serving),
        images: {
          [`r.example/shop/web@${digest("now")}`]: { ports: [1], volumes: [`/${evil}`], entrypoint: [], command: [evil], environment: {} },
        },
      }),
    }),
  },
  {
    name: "another registry's image as lost",
    errand: "rollback",
    lies: past({
      images: "",
      "kept/compose.json": JSON.stringify({ services: { web: { image: `evil.example/web@${digest("x")}` } } }),
      "kept/manifest.json": JSON.stringify({
        ...manifest(before),
        services: { web: { definition: "d", reference: "x", image: `evil.example/web@${digest("x")}` } },
      }),
    }),
  },

  // What is no answer is none.
  { name: "a model that is no JSON", errand: "deploy", lies: observed({ model: "services: {}" }), code: "HOST_ANSWER" },
  { name: "a model that is a list", errand: "deploy", lies: observed({ model: "[]" }), code: "HOST_ANSWER" },
  { name: "services that are none", errand: "deploy", lies: modelled({ services: { web: 5 } }), code: "HOST_ANSWER" },
  { name: "mounts that are none", errand: "deploy", lies: modelled(web({ volumes: { a: "b" } })), code: "HOST_ANSWER" },
  {
    name: "a prototype as a service",
    errand: "deploy",
    lies: observed({ model: `{"services":{"__proto__":{"image":"x"}}}` }),
    code: "HOST_ANSWER",
  },
  {
    name: "a constructor as a service",
    errand: "deploy",
    lies: observed({ model: `{"services":{"constructor":{"image":"x"}}}` }),
    code: "HOST_ANSWER",
  },
  {
    name: "a service with a path for a name",
    errand: "deploy",
    lies: modelled({ services: { [`../../${evil}`]: { image: "postgres:15" } } }),
    code: "HOST_ANSWER",
  },
  {
    name: "a model without an end to its levels",
    errand: "deploy",
    lies: observed({ model: `{"services":${deep}}` }),
    code: "HOST_ANSWER",
  },
  {
    name: "a network whose name is a command",
    errand: "deploy",
    lies: modelled({ networks: { default: { name: shell, external: true } } }),
    code: "HOST_ANSWER",
  },
  { name: "a state that is no path", errand: "deploy", lies: observed({ state: `~/.coldtivate/${evil}` }), code: "HOST_ANSWER" },
  { name: "a state that leads elsewhere", errand: "deploy", lies: observed({ state: `${state}/../../${evil}` }), code: "HOST_ANSWER" },
  {
    name: "a container whose name is a screen",
    errand: "deploy",
    lies: observed({ containers: `c1\t${terminal}\tweb\tx` }),
    code: "HOST_ANSWER",
  },
  { name: "another protocol", errand: "deploy", lies: observed({ protocol: terminal }), code: "HOST_ANSWER" },
  { name: "an answer that is cut short", errand: "deploy", lies: { observe: inFields(fields).slice(0, 300) }, code: "HOST_ANSWER" },
  {
    name: "a field longer than the answer",
    errand: "deploy",
    lies: { observe: `${inFields(fields)}model\t9999999999\n{}` },
    code: "HOST_ANSWER",
  },
  { name: "a serving release that is a path", errand: "deploy", lies: observed({ current: `../${evil}` }), code: "HOST_ANSWER" },
  {
    name: "files of a release that no release has",
    errand: "rollback",
    lies: past({ [`kept/fronts/../../../.ssh/authorized_keys`]: evil }),
    code: "HOST_ANSWER",
  },
  { name: "a hook that is a path", errand: "rollback", lies: past({ "kept/hooks": `hooks/../../${evil}` }), code: "HOST_ANSWER" },
  { name: "a plan that is no plan", errand: "rollback", lies: past({ "kept/plan.whole": `recreate\tweb\u001b[2K` }), code: "HOST_ANSWER" },
  { name: "a kept model that is no JSON", errand: "rollback", lies: past({ "kept/compose.json": "{" }), code: "HOST_ANSWER" },
  {
    name: "a commit that is an option of Git's",
    errand: "rollback",
    lies: kept({ commit: `--output=/tmp/${evil}` }),
    code: "RELEASE_INCOMPLETE",
  },
  { name: "a commit that is a path", errand: "rollback", lies: kept({ commit: `../../${evil}` }), code: "RELEASE_INCOMPLETE" },
  {
    name: "a list of releases that are none",
    errand: "rollback",
    lies: past({ past: `${serving}\t${"b".repeat(40)}\n${shell}\t${"a".repeat(40)}` }),
    code: "HOST_ANSWER",
  },
  { name: "a release to go back to that is a command", errand: "rollback", lies: kept({ rollback: shell }), code: "RELEASE_INCOMPLETE" },
  {
    name: "another release than the others",
    errand: "rollback",
    lies: past({ past: `${serving}\t${"b".repeat(40)}` }),
    code: "NO_EARLIER_RELEASE",
  },
  {
    name: "fronts that are a path",
    errand: "fronts",
    lies: observed({ manifest: JSON.stringify({ ...manifest(serving), fronts: { [`../${evil}`]: {} } }) }),
    code: "NO_FRONTS",
  },
  { name: "a plan to follow that is no JSON", errand: "attach", lies: { attach: `${serving}\n<html>\n` }, code: "HOST_ANSWER" },
  {
    name: "steps to follow with escape sequences",
    errand: "attach",
    lies: { attach: `${serving}\n${JSON.stringify({ ...plan, steps: [{ verb: "x", args: [], title: terminal }] })}\n` },
    code: "HOST_ANSWER",
  },
  { name: "a release to follow that is a command", errand: "attach", lies: { attach: `${shell}\n{}\n` }, code: "HOST_ANSWER" },
  {
    name: "a command to try again",
    errand: "attach",
    lies: { attach: `${serving}\n${JSON.stringify({ ...plan, again: shell })}\n` },
    code: "HOST_ANSWER",
  },
  { name: "a list of containers that is none", errand: "status", lies: { engine: http(`{"containers":[]}`) }, code: "HOST_ANSWER" },
  { name: "an engine that says nothing", errand: "status", lies: { engine: http("") }, code: "HOST_ANSWER" },
  { name: "an engine that is no engine", errand: "status", lies: { engine: "220 smtp ready\r\n" }, code: "HOST_ANSWER" },
  {
    name: "an engine that leads elsewhere",
    errand: "status",
    lies: { engine: "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n" },
    code: "HOST_ANSWER",
  },
  {
    name: "a container that is a screen",
    errand: "status",
    lies: { engine: http(JSON.stringify([{ ...container, Status: terminal }])) },
    code: "HOST_ANSWER",
  },
  {
    name: "a time that is none",
    errand: "status",
    lies: { serving: inFields({ manifest: JSON.stringify(manifest(serving)), committed_at: "9".repeat(30) }) },
  },
  {
    name: "a lock that is a screen",
    errand: "status",
    lies: { serving: inFields({ locked: `ann\t2026\t${terminal}`, running: terminal }) },
  },
  { name: "another socket, with escape sequences", errand: "status", lies: { socket: `tcp://${terminal}\n` }, code: "SOCKET_UNREACHABLE" },
  {
    name: "a history that is a screen",
    errand: "history",
    lies: {
      history: `${serving}\n2026-11-23T10:15:00Z\t2026-11-23T10:15:09Z\t${serving}\tfinished\t${terminal}\t${terminal}\t${terminal}\t${terminal}\t${terminal}\n`,
    },
  },
  {
    name: "a history of times that are none",
    errand: "history",
    lies: { history: `${serving}\n${evil}\t${evil}\t${serving}\tfinished\tann\n` },
  },
  { name: "a history that failed", errand: "history", lies: { history: { stderr: terminal, code: 3 } }, code: "HOST_NOT_READY" },
  { name: "digests that are none", errand: "prune", lies: { kept: `sha256:${evil}\n` }, code: "HOST_ANSWER" },
  { name: "a lock that fails", errand: "lock", lies: { lock: { stderr: terminal, code: 3 } }, code: "LOCK_REFUSED" },
  { name: "a host that stays locked", errand: "unlock", lies: { unlock: { stderr: terminal, code: 1 } }, code: "UNLOCK_FAILED" },

  // While a release is at work.
  {
    name: "a journal that is a screen",
    errand: "apply",
    lies: { apply: `1\t0\tbegin\tann\n1\t1\tnote\t${terminal}\n1\t1\tlog\t${terminal}\n1\t0\tfinished\t\n` },
  },
  {
    name: "steps that no plan has",
    errand: "apply",
    lies: {
      apply: `1\t0\tbegin\tann\n1\t999999\tbegin\tx\n1\t999999\tstuck\t${terminal}\n1\t${"9".repeat(40)}\tbegin\tx\n1\t0\tfinished\t\n`,
    },
  },
  {
    name: "a failure that is a screen",
    errand: "apply",
    lies: { apply: { stdout: `1\t0\tbegin\tann\n1\t1\tfailed\t${terminal}\n1\t1\tundone\t\n`, stderr: terminal, code: 5 } },
    code: "DEPLOY_MIXED",
  },
  {
    name: "a journal that has no end, then silence",
    errand: "apply",
    lies: { apply: { stdout: "1\t0\tbegin\tann\n", isSilent: true } },
    code: "DEPLOY_MIXED",
    within: 50,
  },

  // Without an end.
  {
    name: "an answer without an end",
    errand: "deploy",
    lies: { observe: { stdout: Buffer.alloc(256 * 1024, "x"), isEndless: true } },
    code: "HOST_ANSWER",
  },
  {
    name: "a line without an end",
    errand: "attach",
    lies: { attach: { stdout: Buffer.alloc(256 * 1024, "x"), isEndless: true } },
    code: "HOST_ANSWER",
  },
  {
    name: "an engine that does not stop talking",
    errand: "status",
    lies: { engine: { stdout: `HTTP/1.1 200 OK\r\n\r\n[${'"x",'.repeat(50_000)}`, isEndless: true } },
    code: "HOST_ANSWER",
  },
  { name: "silence in place of an answer", errand: "deploy", lies: { observe: { isSilent: true } }, code: "HOST_SILENT", within: 50 },
  { name: "silence in place of a history", errand: "history", lies: { history: { isSilent: true } }, code: "HOST_SILENT", within: 50 },
  { name: "silence while it recovers", errand: "recover", lies: { recover: { isSilent: true } }, code: "RECOVERY_INCOMPLETE", within: 50 },
  {
    name: "silence while it locks",
    errand: "lock",
    lies: { lock: { isSilent: true }, unlock: { isSilent: true } },
    code: "LOCK_INCOMPLETE",
    within: 50,
  },
];
