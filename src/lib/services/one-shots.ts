import type { ServiceConfig } from "../config/schema/config.ts";
import type { ComposeModel, ComposeService } from "../compose/model.ts";

/**
 * Finds the services that run to their end, by name, and why, in the user's words: others wait for them, they are recognisable as
 * such, or coldtivate.yml says so.
 */
export function findOneShots(
  model: ComposeModel,
  names: readonly string[],
  config: Readonly<Record<string, ServiceConfig>> = {},
): Map<string, string> {
  const awaited = awaitedIn(model, names);
  return new Map(
    names.flatMap((name): [string, string][] => {
      const rollout = config[name]?.rollout;
      const waiting = awaited.get(name);
      if (rollout === "once") return [[name, "set in coldtivate.yml"]];
      if (waiting !== undefined) return [[name, `runs to its end before ${waiting.join(", ")}`]];
      const sign = rollout === undefined ? endingSign(name, model.services[name] ?? {}) : undefined;
      return sign === undefined ? [] : [[name, `${sign}: runs to its end`]];
    }),
  );
}

/** Services whose success others wait for, each with those others. */
function awaitedIn(model: ComposeModel, names: readonly string[]): Map<string, string[]> {
  const awaited = new Map<string, string[]>();
  for (const name of names) {
    for (const [other, { condition }] of Object.entries(model.services[name]?.depends_on ?? {})) {
      if (condition === "service_completed_successfully") awaited.set(other, [...(awaited.get(other) ?? []), name]);
    }
  }
  return awaited;
}

/** Whether all services that wait for this one can do without it. Then its failure stops nobody. */
export function isOptional(name: string, services: Readonly<Record<string, ComposeService>>): boolean {
  const dependencies = Object.values(services).flatMap(({ depends_on: needs = {} }) => (needs[name] === undefined ? [] : [needs[name]]));
  return dependencies.length > 0 && dependencies.every(({ required }) => required === false);
}

/**
 * Makes sure that a service that runs to its end is not started again, whatever it inherits from a block that it shares with
 * others.
 */
export function endingService(service: ComposeService): ComposeService {
  const policy = restartPolicy(service);
  if (policy === "no" || policy?.startsWith("on-failure") === true) return service;
  const { restart_policy: _policy, ...deploy } = service.deploy ?? {};
  return { ...service, restart: "no", ...(service.deploy === undefined ? {} : { deploy }) };
}

/**
 * The sign that a service ends although nobody waits for it. It must not be started again, and its command or image must come to an
 * end. If the restart policy is written down, its name is enough. A service that takes requests, or has a health check, stays.
 */
function endingSign(name: string, service: ComposeService): string | undefined {
  const written = restartPolicy(service);
  const policy = written ?? "no";
  const { mode } = service.deploy ?? {};
  if (mode === "replicated-job" || mode === "global-job") return `deploy.mode is ${mode}`;
  if (policy !== "no" && !policy.startsWith("on-failure")) return undefined;
  if ((service.ports ?? []).length > 0 || (service.expose ?? []).length > 0) return undefined;
  if (service.healthcheck?.test !== undefined && service.healthcheck.disable !== true) return undefined;
  const last = lastCommand([...(service.entrypoint ?? []), ...(service.command ?? [])]);
  if (last !== undefined && staying.test(last)) return undefined;
  const image = endingImage.exec(imageName(service.image ?? ""));
  if (image !== null) return `restart ${policy}, and its image is ${image[0]}`;
  const word = last === undefined ? null : ending.exec(last);
  if (word !== null) return `restart ${policy}, and its command is ${word[0].trim()}`;
  if (endsItself(service)) return `restart ${policy}, and its command exits`;
  return written !== undefined && endingName.test(name) ? `restart ${policy}, and its name` : undefined;
}

/** The restart policy that Compose derives from the two places. */
function restartPolicy({ restart, deploy }: ComposeService): string | undefined {
  if (restart !== undefined) return restart;
  const condition = deploy?.restart_policy?.condition;
  return condition === "none" ? "no" : condition;
}

/** Names of services that prepare something: `init`, `db-migrate`, `create_buckets`. */
const endingName =
  /(?:^|[-_.])(?:init|initdb|initiali[sz]e|migrat(?:e|es|ion|ions|or)|seed|seeds|seeder|seeding|setup|bootstrap|fixtures?|provision(?:er)?|permissions|create-?buckets?)(?:$|[-_.])/i;

/** Commands that come to an end. */
const ending =
  /^(?:true|false|echo|curl|wget|sed|openssl|aws|kubectl|chown|chmod|mkdir|cp|mv|rm|touch|ln|tar|rsync|psql|createdb|mc|mongosh?|mysql|flyway|liquibase|certbot certonly|sqitch|dbmate|goose|kafka-topics(?:\.sh)?|rpk topic|kcadm\.sh|vault (?:write|kv)|git clone|pg_restore|mongorestore|mongoimport)(?=\s|$)|(?<!(?:^|\s)-\S*)\b(?:db:(?:migrate|seed|setup|create|prepare)|migrate(?:\s+(?:deploy|up|latest))?|createsuperuser|collectstatic|loaddata|load_data|alembic upgrade|flask db upgrade|db upgrade|migration:run|typeorm migration|sequelize db|createcachetable|compilemessages|initdb|db-init|seed|migrate:(?:latest|fresh|refresh|reset)|prisma db push|drizzle-kit (?:push|migrate)|ef database update|assets:precompile|run build|yarn build|pnpm build|cache:warmup|cache:clear)(?=\s|$)/;

/** Images of programs that do something to another program and end. */
const endingImage = /^(?:migrate\/migrate|minio\/mc|flyway\/flyway|liquibase\/liquibase|liquibase|amacneil\/dbmate|arigaio\/atlas)$/;

/** The last two parts of an image's name. */
function imageName(reference: string): string {
  const path = reference.replace(/@.*$/, "").replace(/:[^/:]*$/, "");
  return path.split("/").slice(-2).join("/");
}

/** Whether a shell script exits at its end, other than only after a failure. */
function endsItself({ entrypoint, command }: ComposeService): boolean {
  const script = [...(entrypoint ?? []), ...(command ?? [])].at(-1) ?? "";
  return /(?:&&|;|\n)\s*exit(?:\s+\d+)?[\s;]*$/.test(script);
}

/** Commands that keep running, whatever else they contain. */
const staying =
  /\b(?:gunicorn|uvicorn|hypercorn|daphne|celery|runserver|tail -[fF]|sleep (?:infinity|inf)|nginx|apache2|httpd|crond?|supervisord|while |watch|serve|(?<!bootstrap-)server|start|worker|rq|sidekiq|puma|nodemon|dev|proxy|port-forward|s_server|daemon|listen)\b/;

/** The last command in a shell script, or the command itself. Undefined if only the image knows it. */
function lastCommand(words: readonly string[]): string | undefined {
  if (words.length === 0) return undefined;
  const shell = words.findIndex((word) => /^-[a-z]*c$/.test(word));
  if (shell <= 0 || !/(?:^|\/)(?:ba|da|a|k|z)?sh$/.test(words[shell - 1] ?? "")) return withoutFolder(words.join(" "));
  const script = words[shell + 1] ?? "";
  // A command that never ends is the last one, wherever it is.
  const endless = /\bwhile\s+(?:true|:|\[ ?1)|\btail -[fF]|\bsleep inf/.exec(script);
  if (endless !== null) return `while ${endless[0]}`;
  const commands = script
    .split(/&&|\|\||;|\n/)
    .map((command) => withoutFolder(command.trim().replace(/^exec\s+/, "")))
    .filter((command) => command !== "" && !/^(?:exit|done|fi|esac)\b/.test(command));
  return commands.at(-1) ?? script;
}

/** `/usr/bin/mc mb` is `mc mb`. */
function withoutFolder(command: string): string {
  return command.replace(/^\/(?:\S*\/)?(?=\S)/, "");
}
