import { createHash } from "node:crypto";
import * as fc from "fast-check";
import type { Rollout, ServiceConfig } from "../../../src/lib/config/schema/config.ts";
import type { ComposeDependency, ComposeModel, ComposePort, ComposeService } from "../../../src/lib/compose/model.ts";
import { render } from "../../../src/lib/release/render.ts";
import type { Rendered, RenderInput } from "../../../src/lib/release/rendered.ts";

const names = ["api", "db", "gateway", "mail_scheduler", "web", "worker"];
const networks = ["default", "back"];

const always = <Value>(value: Value): fc.Arbitrary<Value> => fc.constant(value);

/** Anything of what real Compose files have, as `docker compose config` writes it. */
function service(name: string): fc.Arbitrary<ComposeService> {
  const others = names.filter((other) => other !== name);
  const index = names.indexOf(name);
  const address = `10.0.0.${10 + index}`;
  const attachment = fc.oneof(
    fc.constant(null),
    fc.record(
      {
        aliases: fc.uniqueArray(fc.constantFrom(`${name}.internal`, "shared"), { maxLength: 2 }),
        ipv4_address: fc.constant(address),
        mac_address: fc.constant(`02:00:00:00:00:0${index}`),
        priority: fc.nat(3),
      },
      { requiredKeys: [] },
    ),
  );
  const dependency: fc.Arbitrary<ComposeDependency> = fc.record(
    {
      condition: fc.constantFrom("service_started", "service_healthy", "service_completed_successfully"),
      restart: fc.boolean(),
      required: fc.boolean(),
    },
    { requiredKeys: ["condition"] },
  );
  const port: fc.Arbitrary<ComposePort> = fc.record(
    {
      target: fc.constantFrom(80, 443, 5000, 8000),
      published: fc.constantFrom("80", "8080-8090", "443"),
      host_ip: fc.constant("127.0.0.1"),
      protocol: fc.constantFrom("tcp", "tcp", "tcp", "udp"),
      mode: fc.constant("ingress"),
    },
    { requiredKeys: ["target", "protocol"] },
  );
  const optional = {
    command: fc.constantFrom<string[]>(["serve"], ["celery", "-A", "app", "worker", "-B"], ["celery", "-A", "app", "worker"]),
    container_name: fc.constant(`the_${name}`),
    hostname: fc.constant(name),
    depends_on: fc.dictionary(fc.constantFrom(...others), dependency, { maxKeys: 3, noNullPrototype: true }),
    deploy: fc.record(
      {
        replicas: fc.integer({ min: 1, max: 3 }),
        restart_policy: fc.constant({ condition: "any" }),
        resources: fc.constant({ limits: { memory: "1g" } }),
      },
      { requiredKeys: [] },
    ),
    environment: fc.dictionary(fc.constantFrom("A", "B"), fc.constantFrom("", "1", "p$$ss", null), { noNullPrototype: true }),
    expose: fc.subarray(["8000", "5000/tcp", "53/udp", "9000-9002"]),
    healthcheck: fc.constantFrom<NonNullable<ComposeService["healthcheck"]>[]>(
      { test: ["CMD", "curl", "-f", "http://localhost:5000/up"] },
      { test: ["CMD-SHELL", "wget -q https://127.0.0.1/"], interval: "5s" },
      { test: ["CMD", "true"] },
      { disable: true },
    ),
    labels: fc.constant({ team: "a" }),
    links: fc.uniqueArray(fc.constantFrom(...others.flatMap((other) => [other, `${other}:the_${other}_api`])), { maxLength: 3 }),
    mac_address: fc.constant(`02:00:00:00:01:0${index}`),
    networks: fc.dictionary(fc.constantFrom(...networks), attachment, { minKeys: 1, noNullPrototype: true }),
    ports: fc.array(port, { maxLength: 3 }),
    privileged: fc.boolean(),
    restart: fc.constantFrom("no", "always", "unless-stopped", "on-failure"),
    scale: fc.integer({ min: 0, max: 3 }),
    secrets: always([{ source: "token" }]),
    configs: always([{ source: "settings", target: "/settings" }]),
    volumes: fc.subarray([
      { type: "volume", source: "data", target: "/data" },
      { type: "bind", source: "/srv/files", target: "/files", read_only: true },
      { type: "tmpfs", target: "/tmp" },
    ]),
  };
  const ordinary: fc.Arbitrary<ComposeService> = fc.record(
    { image: fc.constantFrom("ours", "ours", "postgres:15"), ...optional },
    { requiredKeys: ["image", "networks"] },
  );
  const withoutNetwork = fc
    .tuple(ordinary, fc.constantFrom("host", "none", ...others.map((other) => `service:${other}`)))
    .map(([{ networks: _networks, ...rest }, network_mode]) => ({ ...rest, network_mode }));
  return fc.oneof({ weight: 9, arbitrary: ordinary }, { weight: 1, arbitrary: withoutNetwork });
}

/** Whole models; links and dependencies lead to services that are there. */
export const models: fc.Arbitrary<ComposeModel> = fc
  .uniqueArray(fc.constantFrom(...names), { minLength: 1 })
  .chain((chosen) => fc.record(Object.fromEntries(chosen.map((name) => [name, service(name)]))))
  .map((services) => {
    const isThere = (name: string) => services[name] !== undefined;
    const trimmed = Object.entries(services).map(([name, { links, depends_on, ...rest }]): [string, ComposeService] => [
      name,
      {
        ...rest,
        ...(links === undefined ? {} : { links: links.filter((link) => isThere(link.replace(/:.*/, ""))) }),
        ...(depends_on === undefined
          ? {}
          : { depends_on: Object.fromEntries(Object.entries(depends_on).filter(([other]) => isThere(other))) }),
      },
    ]);
    return {
      services: Object.fromEntries(trimmed),
      networks: { default: {}, back: { enable_ipv6: true } },
      volumes: { data: {} },
      secrets: { token: { file: "/in/token" } },
      configs: { settings: { content: "x" } },
    };
  });

/** Rollouts that are set, where the model allows them. */
export const settings: fc.Arbitrary<Record<string, ServiceConfig>> = fc.dictionary(
  fc.constantFrom(...names),
  fc
    .record({ rollout: fc.constantFrom<Rollout>("blue-green", "hold", "recreate"), port: fc.constant(8000) })
    .map(({ rollout, port }) => ({ rollout, ports: [{ port }] })),
  { maxKeys: 2, noNullPrototype: true },
);

/** Renders a model; rollouts that it does not allow are left out. */
export function rendering(model: ComposeModel, services: Record<string, ServiceConfig>, more: Partial<RenderInput> = {}): Rendered {
  const input: RenderInput = {
    model,
    project: "shop-staging",
    stateDirectory: "/state",
    sourceDirectory: "/in",
    images: new Map([
      ["ours", { image: "r.example/ours@sha256:aa", built: "ours" }],
      ["postgres:15", { image: "postgres@sha256:00" }],
      ["haproxy:lts", { image: "haproxy@sha256:11" }],
    ]),
    front: { image: "haproxy:lts" },
    services,
    tasks: [],
    sources: new Map([["token", { files: [{ path: "", executable: false, content: Buffer.from("t") }] }]]),
    variables: {},
    profiles: [],
    digest: (content) => createHash("sha256").update(content).digest("hex"),
    ...more,
  };
  try {
    return render(input);
  } catch (error) {
    if ((error as { code?: string }).code !== "ROLLOUT_IMPOSSIBLE") throw error;
    return render({ ...input, services: {} });
  }
}
