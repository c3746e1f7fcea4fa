import * as z from "zod";
import { lineSchema, thingSchema } from "../common/host-answer.ts";

// The parts of a model that the planner reads have the form that Compose gives them. Everything else goes back to its host
// unchanged.

const text = z.string();
const texts = z.array(text);
const name = lineSchema;
const number = z.union([z.number(), text]);
const optional = <Type extends z.ZodType>(schema: Type) => schema.optional();
const words = optional(texts.nullable());
const record = <Type extends z.ZodType>(value: Type) => optional(z.record(text, value));

/** Names that we show to people in commands. They must contain nothing that a shell would interpret. */
const shellSafe = z.string().regex(/^[^\s'"`$;&|<>\\(){}*?!#~]+$/);

const attachment = z.looseObject({
  aliases: words,
  ipv4_address: optional(text),
  ipv6_address: optional(text),
  link_local_ips: words,
  mac_address: optional(text),
});

const sourceUse = z.looseObject({
  source: name,
  target: optional(name),
  uid: optional(text),
  gid: optional(text),
  mode: optional(number),
});

const port = z.looseObject({
  target: z.number().int().min(0).max(65_535),
  published: optional(text),
  protocol: optional(name),
  host_ip: optional(name),
});

const mount = z.looseObject({ type: name, source: optional(name), target: name, read_only: optional(z.boolean()) });

const healthcheck = z.looseObject({
  disable: optional(z.boolean()),
  test: words,
  interval: optional(number),
  timeout: optional(number),
  start_period: optional(number),
  start_interval: optional(number),
  retries: optional(number),
});

const deploy = z.looseObject({
  replicas: optional(z.number().int().min(0).max(10_000)),
  restart_policy: optional(z.looseObject({ condition: optional(name) }).nullable()),
  resources: optional(z.looseObject({ reservations: optional(z.looseObject({ memory: optional(number) }).nullable()) }).nullable()),
});

const service = z.looseObject({
  image: optional(name),
  build: optional(z.looseObject({ context: optional(text), dockerfile: optional(text), target: optional(text) }).nullable()),
  command: words,
  container_name: optional(thingSchema),
  depends_on: record(z.looseObject({ condition: optional(name), restart: optional(z.boolean()), required: optional(z.boolean()) })),
  deploy: optional(deploy),
  entrypoint: words,
  environment: record(text.nullable()),
  expose: optional(texts),
  external_links: optional(texts),
  extra_hosts: optional(z.union([texts, z.record(text, z.union([text, texts]))])),
  healthcheck: optional(healthcheck),
  hostname: optional(name),
  labels: record(text),
  cgroup: optional(name),
  ipc: optional(name),
  links: optional(texts),
  mac_address: optional(name),
  models: record(z.unknown()),
  mem_reservation: optional(number),
  network_mode: optional(name),
  networks: record(attachment.nullable()),
  pid: optional(name),
  ports: optional(z.array(port)),
  profiles: optional(z.array(name)),
  restart: optional(name),
  scale: optional(z.number().int().min(0).max(10_000)),
  security_opt: optional(z.array(name)),
  uts: optional(name),
  volumes: optional(z.array(mount)),
  volumes_from: optional(z.array(name)),
  configs: optional(z.array(sourceUse)),
  secrets: optional(z.array(sourceUse)),
});

const source = z.looseObject({
  file: optional(name),
  environment: optional(name),
  content: optional(text),
  external: optional(z.boolean()),
});

const thing = z.looseObject({ name: optional(shellSafe) }).nullable();

/** The parts of a Compose model that decide anything here. */
export const modelSchema = z.looseObject({
  name: optional(thingSchema),
  services: z.record(thingSchema, service),
  configs: record(source),
  secrets: record(source),
  models: record(z.unknown()),
  networks: record(thing),
  volumes: record(thing),
});
