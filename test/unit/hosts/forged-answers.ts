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
  type HostAnswers,
} from "./host-answers.ts";

/** What the CLI does while a host forges its answers. */
export type HostAction =
  "deploy" | "apply" | "rollback" | "fronts" | "recover" | "status" | "history" | "attach" | "lock" | "unlock" | "prune";

export interface Forgery {
  name: string;
  action: HostAction;
  forged: Partial<HostAnswers>;
  /** The error's code; absent: the answer is refused, or counts for that host alone, and has no effect. */
  code?: string;
  /** Milliseconds that the host has. */
  within?: number;
}

/** Only the forging host may ever see this: it is in shell code, in escape sequences and in names. */
export const canary = "CANARY";
const shell = `x$(touch /tmp/${canary});echo ${canary}`;
const terminal = `${canary}\u001b]52;c;${Buffer.from(canary).toString("base64")}\u0007\u001b[1A\u001b[2K\u009b2J\r\u202e`;

const observed = (changes: Partial<typeof fields>): Partial<HostAnswers> => ({ observe: inFields({ ...fields, ...changes }) });
const past = (changes: Record<string, string>): Partial<HostAnswers> => ({ observe: inFields({ ...pastFields, ...changes }) });
const modelled = (changes: object): Partial<HostAnswers> => observed({ model: JSON.stringify({ ...model, ...changes }) });
const web = (changes: object) => ({ services: { ...model.services, web: { ...model.services.web, ...changes } } });
const bind = (source: string) => ({ volumes: [{ type: "bind", source, target: "/x" }] });
const kept = (changes: object): Partial<HostAnswers> => {
  const text = JSON.stringify({ ...manifest(before), ...changes });
  return { ...past({ "kept/manifest.json": text }), files: inFields({ "manifest.json": text }) };
};
const deep = "[".repeat(100_000) + "]".repeat(100_000);

export const forgeries: readonly Forgery[] = [
  // What one host says is no command for another.
  { name: "a release that is a command", action: "recover", forged: { recover: `current\t${shell}\n` }, code: "RECOVERY_INCOMPLETE" },
  { name: "a release that is an option", action: "recover", forged: { recover: "current\t-c\n" }, code: "RECOVERY_INCOMPLETE" },
  {
    name: "a release that leads elsewhere",
    action: "recover",
    forged: { recover: `current\t../../${canary}\n` },
    code: "RECOVERY_INCOMPLETE",
  },
  {
    name: "a release of two lines",
    action: "recover",
    forged: { recover: `current\t${serving}\r${canary}\n` },
    code: "RECOVERY_INCOMPLETE",
  },
  {
    name: "an older release as the newest",
    action: "recover",
    forged: { recover: `current\t${before}\norder\t${serving}\t${before}\n` },
    code: "RECOVERY_INCOMPLETE",
  },
  {
    name: "a release that nobody else knows",
    action: "recover",
    forged: { recover: `current\t29991231t000000-${"f".repeat(8)}\n` },
    code: "RECOVERY_INCOMPLETE",
  },
  {
    name: "an outcome that is none",
    action: "recover",
    forged: { recover: `current\t${serving}\n${serving}\t${terminal}\n` },
    code: "RECOVERY_INCOMPLETE",
  },
  {
    name: "trouble with escape sequences",
    action: "recover",
    forged: { recover: { stdout: "current\t-\n", stderr: terminal, code: 5 } },
    code: "RECOVERY_INCOMPLETE",
  },

  // Nobody else is asked, and nothing else is sent.
  {
    name: "a service more",
    action: "deploy",
    forged: modelled({ services: { ...model.services, spy: { image: `${canary}.example/x` } } }),
    code: "HOST_MODEL",
  },
  { name: "another registry's image", action: "deploy", forged: modelled(web({ image: `canary.example/shop/web:1` })), code: "HOST_MODEL" },
  { name: "an image of the loopback", action: "deploy", forged: modelled(web({ image: "127.0.0.1:6379/shop/web" })), code: "HOST_MODEL" },
  {
    name: "an image that is no name",
    action: "deploy",
    forged: modelled(web({ image: `http://169.254.169.254/${canary}` })),
    code: "HOST_MODEL",
  },
  { name: "the repository as a mount", action: "deploy", forged: modelled(web(bind(directory))), code: "HOST_MODEL" },
  {
    name: "a file of the repository as a mount",
    action: "deploy",
    forged: modelled(web(bind(`${directory}/secret.txt`))),
    code: "HOST_MODEL",
  },
  {
    name: "a file of the repository as a secret",
    action: "deploy",
    forged: modelled({ secrets: { token: { file: `${directory}/secret.txt` } } }),
    code: "HOST_MODEL",
  },
  {
    name: "a mount beside a file's name",
    action: "deploy",
    forged: modelled(web(bind(`${directory}/conf/../secret.txt`))),
    code: "HOST_MODEL",
  },
  {
    name: "a variable that no file mentions as a secret",
    action: "deploy",
    forged: modelled({ secrets: { token: { environment: "UNMENTIONED" } } }),
    code: "VARIABLE_NOT_SET",
  },
  {
    name: "another registry as what runs now",
    action: "deploy",
    forged: observed({
      manifest: JSON.stringify({
        ...manifest(serving),
        services: { db: { definition: "d", reference: "postgres:15", image: `canary.example/postgres@${digest("x")}` } },
      }),
    }),
  },
  {
    name: "another registry as what has to be undone",
    action: "deploy",
    forged: observed({
      images: "",
      manifest: JSON.stringify({
        ...manifest(serving),
        services: { web: { definition: "d", reference: "x", image: `canary.example/web@${digest("x")}` } },
      }),
    }),
  },
  {
    name: "what an image is, for others, too",
    action: "deploy",
    forged: observed({
      manifest: JSON.stringify({
        ...manifest(serving),
        images: {
          [`r.example/shop/web@${digest("now")}`]: {
            ports: [1],
            volumes: [`/${canary}`],
            entrypoint: [],
            command: [canary],
            environment: {},
          },
        },
      }),
    }),
  },
  {
    name: "another registry's image as lost",
    action: "rollback",
    forged: past({
      images: "",
      "kept/compose.json": JSON.stringify({ services: { web: { image: `canary.example/web@${digest("x")}` } } }),
      "kept/manifest.json": JSON.stringify({
        ...manifest(before),
        services: { web: { definition: "d", reference: "x", image: `canary.example/web@${digest("x")}` } },
      }),
    }),
  },

  // What is no answer is none.
  { name: "a model that is no JSON", action: "deploy", forged: observed({ model: "services: {}" }), code: "HOST_ANSWER" },
  { name: "a model that is a list", action: "deploy", forged: observed({ model: "[]" }), code: "HOST_ANSWER" },
  { name: "services that are none", action: "deploy", forged: modelled({ services: { web: 5 } }), code: "HOST_ANSWER" },
  { name: "mounts that are none", action: "deploy", forged: modelled(web({ volumes: { a: "b" } })), code: "HOST_ANSWER" },
  {
    name: "a prototype as a service",
    action: "deploy",
    forged: observed({ model: `{"services":{"__proto__":{"image":"x"}}}` }),
    code: "HOST_ANSWER",
  },
  {
    name: "a constructor as a service",
    action: "deploy",
    forged: observed({ model: `{"services":{"constructor":{"image":"x"}}}` }),
    code: "HOST_ANSWER",
  },
  {
    name: "a service with a path for a name",
    action: "deploy",
    forged: modelled({ services: { [`../../${canary}`]: { image: "postgres:15" } } }),
    code: "HOST_ANSWER",
  },
  {
    name: "a model without an end to its levels",
    action: "deploy",
    forged: observed({ model: `{"services":${deep}}` }),
    code: "HOST_ANSWER",
  },
  {
    name: "a network whose name is a command",
    action: "deploy",
    forged: modelled({ networks: { default: { name: shell, external: true } } }),
    code: "HOST_ANSWER",
  },
  { name: "a state that is no path", action: "deploy", forged: observed({ state: `~/.coldtivate/${canary}` }), code: "HOST_ANSWER" },
  { name: "a state that leads elsewhere", action: "deploy", forged: observed({ state: `${state}/../../${canary}` }), code: "HOST_ANSWER" },
  {
    name: "a container whose name is a screen",
    action: "deploy",
    forged: observed({ containers: `c1\t${terminal}\tweb\tx` }),
    code: "HOST_ANSWER",
  },
  { name: "another protocol", action: "deploy", forged: observed({ protocol: terminal }), code: "HOST_ANSWER" },
  { name: "an answer that is cut short", action: "deploy", forged: { observe: inFields(fields).slice(0, 300) }, code: "HOST_ANSWER" },
  {
    name: "a field longer than the answer",
    action: "deploy",
    forged: { observe: `${inFields(fields)}model\t9999999999\n{}` },
    code: "HOST_ANSWER",
  },
  { name: "a serving release that is a path", action: "deploy", forged: observed({ current: `../${canary}` }), code: "HOST_ANSWER" },
  {
    name: "files of a release that no release has",
    action: "rollback",
    forged: past({ [`kept/fronts/../../../.ssh/authorized_keys`]: canary }),
    code: "HOST_ANSWER",
  },
  { name: "a hook that is a path", action: "rollback", forged: past({ "kept/hooks": `hooks/../../${canary}` }), code: "HOST_ANSWER" },
  {
    name: "a plan that is no plan",
    action: "rollback",
    forged: past({ "kept/plan.full": `recreate\tweb\u001b[2K` }),
    code: "HOST_ANSWER",
  },
  { name: "a kept model that is no JSON", action: "rollback", forged: past({ "kept/compose.json": "{" }), code: "HOST_ANSWER" },
  {
    name: "a commit that is an option of Git's",
    action: "rollback",
    forged: kept({ commit: `--output=/tmp/${canary}` }),
    code: "RELEASE_INCOMPLETE",
  },
  { name: "a commit that is a path", action: "rollback", forged: kept({ commit: `../../${canary}` }), code: "RELEASE_INCOMPLETE" },
  {
    name: "a list of releases that are none",
    action: "rollback",
    forged: past({ past: `${serving}\t${"b".repeat(40)}\n${shell}\t${"a".repeat(40)}` }),
    code: "HOST_ANSWER",
  },
  { name: "a release to go back to that is a command", action: "rollback", forged: kept({ rollback: shell }), code: "RELEASE_INCOMPLETE" },
  {
    name: "another release than the others",
    action: "rollback",
    forged: past({ past: `${serving}\t${"b".repeat(40)}` }),
    code: "NO_EARLIER_RELEASE",
  },
  {
    name: "fronts that are a path",
    action: "fronts",
    forged: observed({ manifest: JSON.stringify({ ...manifest(serving), fronts: { [`../${canary}`]: {} } }) }),
    code: "NO_FRONTS",
  },
  { name: "a plan to follow that is no JSON", action: "attach", forged: { attach: `${serving}\n<html>\n` }, code: "HOST_ANSWER" },
  {
    name: "steps to follow with escape sequences",
    action: "attach",
    forged: { attach: `${serving}\n${JSON.stringify({ ...plan, steps: [{ verb: "x", args: [], title: terminal }] })}\n` },
    code: "HOST_ANSWER",
  },
  { name: "a release to follow that is a command", action: "attach", forged: { attach: `${shell}\n{}\n` }, code: "HOST_ANSWER" },
  {
    name: "a command to try again",
    action: "attach",
    forged: { attach: `${serving}\n${JSON.stringify({ ...plan, again: shell })}\n` },
    code: "HOST_ANSWER",
  },
  { name: "a list of containers that is none", action: "status", forged: { engine: http(`{"containers":[]}`) }, code: "HOST_ANSWER" },
  { name: "an engine that says nothing", action: "status", forged: { engine: http("") }, code: "HOST_ANSWER" },
  { name: "an engine that is no engine", action: "status", forged: { engine: "220 smtp ready\r\n" }, code: "HOST_ANSWER" },
  {
    name: "an engine that leads elsewhere",
    action: "status",
    forged: { engine: "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n" },
    code: "HOST_ANSWER",
  },
  {
    name: "a container that is a screen",
    action: "status",
    forged: { engine: http(JSON.stringify([{ ...container, Status: terminal }])) },
    code: "HOST_ANSWER",
  },
  {
    name: "a time that is none",
    action: "status",
    forged: { serving: inFields({ manifest: JSON.stringify(manifest(serving)), committed_at: "9".repeat(30) }) },
  },
  {
    name: "a lock that is a screen",
    action: "status",
    forged: { serving: inFields({ locked: `ann\t2026\t${terminal}`, running: terminal }) },
  },
  {
    name: "another socket, with escape sequences",
    action: "status",
    forged: { socket: `tcp://${terminal}\n` },
    code: "SOCKET_UNREACHABLE",
  },
  {
    name: "a history that is a screen",
    action: "history",
    forged: {
      history: `${serving}\n2026-11-23T10:15:00Z\t2026-11-23T10:15:09Z\t${serving}\tfinished\t${terminal}\t${terminal}\t${terminal}\t${terminal}\t${terminal}\n`,
    },
  },
  {
    name: "a history of times that are none",
    action: "history",
    forged: { history: `${serving}\n${canary}\t${canary}\t${serving}\tfinished\tann\n` },
  },
  { name: "a history that failed", action: "history", forged: { history: { stderr: terminal, code: 3 } }, code: "HOST_NOT_READY" },
  { name: "digests that are none", action: "prune", forged: { kept: `sha256:${canary}\n` }, code: "HOST_ANSWER" },
  { name: "a lock that fails", action: "lock", forged: { lock: { stderr: terminal, code: 3 } }, code: "LOCK_REFUSED" },
  { name: "a host that stays locked", action: "unlock", forged: { unlock: { stderr: terminal, code: 1 } }, code: "UNLOCK_FAILED" },

  // While a release is at work.
  {
    name: "a journal that is a screen",
    action: "apply",
    forged: { apply: `1\t0\tbegin\tann\n1\t1\tnote\t${terminal}\n1\t1\tlog\t${terminal}\n1\t0\tfinished\t\n` },
  },
  {
    name: "steps that no plan has",
    action: "apply",
    forged: {
      apply: `1\t0\tbegin\tann\n1\t999999\tbegin\tx\n1\t999999\tstuck\t${terminal}\n1\t${"9".repeat(40)}\tbegin\tx\n1\t0\tfinished\t\n`,
    },
  },
  {
    name: "a failure that is a screen",
    action: "apply",
    forged: { apply: { stdout: `1\t0\tbegin\tann\n1\t1\tfailed\t${terminal}\n1\t1\tundone\t\n`, stderr: terminal, code: 5 } },
    code: "DEPLOY_MIXED",
  },
  {
    name: "a journal that has no end, then silence",
    action: "apply",
    forged: { apply: { stdout: "1\t0\tbegin\tann\n", isSilent: true } },
    code: "DEPLOY_MIXED",
    within: 50,
  },

  // Without an end.
  {
    name: "an answer without an end",
    action: "deploy",
    forged: { observe: { stdout: Buffer.alloc(256 * 1024, "x"), isEndless: true } },
    code: "HOST_ANSWER",
  },
  {
    name: "a line without an end",
    action: "attach",
    forged: { attach: { stdout: Buffer.alloc(256 * 1024, "x"), isEndless: true } },
    code: "HOST_ANSWER",
  },
  {
    name: "an engine that does not stop talking",
    action: "status",
    forged: { engine: { stdout: `HTTP/1.1 200 OK\r\n\r\n[${'"x",'.repeat(50_000)}`, isEndless: true } },
    code: "HOST_ANSWER",
  },
  { name: "silence in place of an answer", action: "deploy", forged: { observe: { isSilent: true } }, code: "HOST_SILENT", within: 50 },
  { name: "silence in place of a history", action: "history", forged: { history: { isSilent: true } }, code: "HOST_SILENT", within: 50 },
  {
    name: "silence while it recovers",
    action: "recover",
    forged: { recover: { isSilent: true } },
    code: "RECOVERY_INCOMPLETE",
    within: 50,
  },
  {
    name: "silence while it locks",
    action: "lock",
    forged: { lock: { isSilent: true }, unlock: { isSilent: true } },
    code: "LOCK_INCOMPLETE",
    within: 50,
  },
];
