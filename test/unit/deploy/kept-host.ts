import type { HostConnection } from "../../../src/lib/adapters/ssh/ssh.ts";
import { fakeConnection } from "../hosts/fake-connection.ts";
import { inFields } from "../hosts/host-answers.ts";

/** A release that a host keeps. */
export interface Kept {
  id: string;
  /** 40 digits; by default, made from the id. */
  commit?: string;
  ref?: string;
  /** What its service is; by default, one of its own. */
  definition?: string;
  image?: string;
  /** The image of its front, if it has one. */
  front?: string;
  isIrreversible?: boolean;
  /** The release that it repeats. */
  repeats?: string;
  /** In place of its manifest. */
  manifest?: string;
}

export interface KeptHost {
  /** Its releases; the one that served last comes first. */
  releases?: readonly Kept[];
  /** The id of the release that serves; by default, the first one's. */
  current?: string;
  /** The id of the release whose files come with what is observed; by default, that of the one before. */
  sends?: string;
  images?: readonly string[];
  locked?: string;
  running?: string;
  /** The folder of the state that its containers belong to. */
  stateOfContainers?: string;
  /** What it says in place of a release's files. */
  unreadable?: string;
  /** Further fields of its answer. */
  fields?: Record<string, string>;
}

/** An image by digest, made of one digit. */
export const imageOf = (digit: string) => `r.example/web@sha256:${digit.repeat(64)}`;
/** A front's image by digest. */
export const frontImageOf = (digit: string) => `haproxy@sha256:${digit.repeat(64)}`;
/** A commit, made of one digit. */
export const commitOf = (digit: string) => digit.repeat(40);

const state = "/home/deploy/.coldtivate/shop-staging";

function manifestOf({ id, commit = commitOf(id.slice(-1)), definition = `definition of ${id}`, ...kept }: Kept): string {
  const { image = imageOf(id.slice(-1)), ref, front, isIrreversible, repeats } = kept;
  const facts = { ports: [], volumes: [], entrypoint: [], command: ["web"], environment: {} };
  return JSON.stringify({
    version: 1,
    id,
    project: "shop",
    environment: "staging",
    commit,
    ...(ref === undefined ? {} : { ref }),
    ...(repeats === undefined ? {} : { rollback: repeats }),
    ...(isIrreversible === true ? { irreversible: true } : {}),
    createdAt: "2026-11-23T04:29:38Z",
    tasks: {},
    services: { web: { definition, reference: "r.example/web", image } },
    ...(front === undefined
      ? {}
      : {
          fronts: {
            web: {
              definition: `front with ${front}`,
              reference: "haproxy:3.2",
              image: front,
              configuration: "as ever",
              slots: ["blue", "green"],
            },
          },
        }),
    images: { [image]: facts },
    places: {},
  });
}

function filesOf(kept: Kept): Record<string, string> {
  const { id, image = imageOf(id.slice(-1)), front } = kept;
  const services = front === undefined ? { web: { image } } : { web: { image: front }, "web-blue": { image }, "web-green": { image } };
  return {
    "manifest.json": kept.manifest ?? manifestOf(kept),
    "compose.json": JSON.stringify({ name: "shop-staging", services }),
    "plan.full": `${front === undefined ? "" : `pull\t${image}\t${front}\n`}recreate\tweb\ncommit\n`,
    ...(front === undefined ? {} : { "fronts/web.cfg": "# as ever\n" }),
  };
}

/** A host that keeps releases. It notes which of them it was asked for by id. */
export function keptHost(name: string, kept: KeptHost): { connection: HostConnection; asked: string[] } {
  const {
    releases = [],
    current = releases[0]?.id ?? "",
    images = releases.map((each) => each.image ?? imageOf(each.id.slice(-1))),
  } = kept;
  const serving = releases.find(({ id }) => id === current);
  const sent = releases.find(({ id }) => id === (kept.sends ?? releases.find((each) => each.id !== current)?.id));
  const past = releases.map(({ id, commit = commitOf(id.slice(-1)), ref = "-", isIrreversible, repeats = "-" }) =>
    [id, commit, ref, isIrreversible === true ? "irreversible" : "-", repeats].join("\t"),
  );
  const container = [
    "1",
    "shop-staging-web-1",
    "web",
    serving?.image ?? imageOf(current.slice(-1)),
    serving?.definition ?? `definition of ${current}`,
    kept.stateOfContainers ?? state,
    "running",
    "-",
    "False",
  ];
  const observed = {
    protocol: "1",
    state,
    directory: "/home/deploy/.coldtivate/incoming.x/compose",
    engine: "28.5.0",
    compose: "2.40.0",
    current,
    locked: kept.locked ?? "",
    running: kept.running ?? "",
    ...(serving === undefined ? {} : { manifest: serving.manifest ?? manifestOf(serving), containers: `${container.join("\t")}\n` }),
    images: [...new Set([...images, ...releases.flatMap(({ front }) => front ?? [])])].map((each) => `${each}\n`).join(""),
    past: past.map((line) => `${line}\n`).join(""),
    ...(sent === undefined ? {} : Object.fromEntries(Object.entries(filesOf(sent)).map(([path, text]) => [`kept/${path}`, text]))),
    ...kept.fields,
  };
  const asked: string[] = [];
  const connection = fakeConnection(name, (command) => {
    const id = / -c kept_release (\S+)'$/.exec(command)?.[1];
    if (id === undefined) return Promise.resolve({ code: 0, stdout: Buffer.from(inFields(observed)), stderr: "" });
    asked.push(id);
    const found = releases.find((each) => each.id === (id === "current" ? current : id));
    if (found === undefined || kept.unreadable !== undefined)
      return Promise.resolve({ code: 3, stdout: Buffer.alloc(0), stderr: kept.unreadable ?? "there is none\n" });
    return Promise.resolve({ code: 0, stdout: Buffer.from(inFields(filesOf(found))), stderr: "" });
  });
  return { connection, asked };
}
