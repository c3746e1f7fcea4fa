import { describe, expect, test } from "vitest";
import { endingService, findOneShots } from "../../../src/lib/services/one-shots.ts";
import type { ComposeService } from "../../../src/lib/compose/model.ts";

const signOf = (name: string, service: ComposeService) => findOneShots({ services: { [name]: service } }, [name]).get(name);

describe("a service runs to its end", () => {
  const completed = { condition: "service_completed_successfully" };

  test("that another one waits for the success of, whatever else it says", () => {
    const services = {
      app: { restart: "always", expose: ["8000"] },
      web: { depends_on: { app: completed } },
      api: { depends_on: { app: completed } },
    };
    expect(findOneShots({ services }, ["app", "web", "api"])).toEqual(new Map([["app", "runs to its end before web, api"]]));
    // What waits for it is no part of the release.
    expect(findOneShots({ services }, ["app"])).toEqual(new Map());
    expect(endingService(services.app)).toEqual({ restart: "no", expose: ["8000"] });
  });

  test("that is said to", () => {
    expect(findOneShots({ services: { report: {} } }, ["report"], { report: { rollout: "once" } }).get("report")).toBe(
      "set in coldtivate.yml",
    );
  });

  test.each<[string, ComposeService]>([
    ["migrate", { restart: "no" }],
    ["db-init", { restart: "on-failure:3" }],
    ["minio-create-buckets", { restart: "no" }],
    ["app", { restart: "no", command: ["python", "manage.py", "migrate"] }],
    ["app", { restart: "no", command: ["bundle", "exec", "rails", "db:migrate"] }],
    ["app", { restart: "no", command: ["npx", "prisma", "migrate", "deploy"] }],
    ["app", { restart: "no", entrypoint: ["/bin/sh", "-c"], command: ["until nc -z db 5432; do sleep 1; done; alembic upgrade head"] }],
    ["mc", { restart: "no", entrypoint: ["/bin/sh", "-c"], command: ["mc alias set m http://minio:9000 a b && mc mb -p m/media; exit 0"] }],
    ["app", { restart: "no", command: ["npx", "prisma", "db", "push"] }],
    ["app", { restart: "no", command: ["npx", "drizzle-kit", "push"] }],
    ["app", { restart: "no", command: ["npx", "knex", "migrate:latest"] }],
    ["app", { restart: "no", command: ["dotnet", "ef", "database", "update"] }],
    ["app", { restart: "no", command: ["bundle", "exec", "rake", "assets:precompile"] }],
    ["app", { restart: "no", command: ["npm", "run", "build"] }],
    ["app", { restart: "on-failure", command: ["curl", "-X", "PUT", "http://es:9200/_template"] }],
    ["app", { restart: "no", command: ["sh", "-c", "./register.sh && exit 0"] }],
    ["app", { restart: "no", command: ["certbot", "certonly", "--webroot"] }],
    ["app", { restart: "no", image: "migrate/migrate:v4", command: ["-path", "/m", "up"] }],
    ["app", { restart: "no", image: "docker.io/flyway/flyway:10-alpine@sha256:00", command: ["migrate"] }],
    ["app", { restart: "on-failure", image: "minio/mc" }],
    ["app", { deploy: { mode: "replicated-job" } }],
    ["app", { command: ["python", "manage.py", "migrate", "--noinput"] }],
    ["app", { command: ["/bin/sh", "-c", "until mc alias set m http://minio:9000 a b; do sleep 1; done; /usr/bin/mc mb m/media"] }],
    ["app", { image: "minio/mc", entrypoint: ["/bin/sh", "-c"], command: ["/usr/bin/mc alias set m http://minio:9000 a b; exit 0;"] }],
    ["app", { image: "busybox", command: ["/bin/chown", "-R", "1000", "/data"] }],
    ["app", { image: "bitnami/kafka", command: ["bash", "-c", "kafka-topics.sh --create --topic a --bootstrap-server kafka:9092"] }],
    ["app", { command: ["./migrate"] }],
    ["app", { command: ["npx", "db-migrate", "up"] }],
    ["permissions", { command: ["chown", "-R", "1000", "/data"], deploy: { restart_policy: { condition: "none" } } }],
  ])("by its restart policy and %s, %j", (name, service) => expect(signOf(name, service)).toMatch(/runs to its end$/));
});

describe("a service is there to stay", () => {
  test.each<[string, ComposeService]>([
    ["migrate", {}],
    ["migrate", { restart: "always" }],
    ["app", { restart: "unless-stopped", command: ["python", "manage.py", "migrate"] }],
    ["app", { command: ["./app", "--seed"] }],
    ["app", { command: ["java", "-Dspring.flyway.migrate", "-jar", "app.jar"] }],
    ["app", { command: ["sh", "-c", "python manage.py migrate && gunicorn app"] }],
    ["app", { command: ["kubectl", "proxy"] }],
    ["app", { command: ["rsync", "--daemon", "--no-detach"] }],
    ["app", {}],
    ["web", { restart: "no" }],
    ["web", { restart: "no", command: ["npm", "run", "build:watch"] }],
    ["web", { restart: "no", command: ["sh", "-c", "npm run build && npm start"] }],
    ["web", { restart: "always", image: "minio/mc" }],
    ["web", { restart: "no", command: ["sh", "-c", "./app || exit 1"] }],
    ["web", { restart: "no", command: ["sh", "-c", "gunicorn app; exit 1"] }],
    ["web", { restart: "no", command: ["gunicorn", "app"] }],
    ["web", { restart: "no", command: ["sh", "-c", "python manage.py migrate && gunicorn app"] }],
    ["web", { restart: "no", command: ["sh", "-c", "python manage.py migrate\nexec gunicorn app"] }],
    ["setup", { restart: "no", command: ["sh", "-c", "mkdir -p /data; tail -f /dev/null"] }],
    ["init", { restart: "no", command: ["sh", "-c", "while true; do touch /tmp/a; done"] }],
    ["migrate", { restart: "no", ports: [{ target: 80 }] }],
    ["migrate", { restart: "no", healthcheck: { test: ["CMD", "true"] } }],
  ])("%s, %j", (name, service) => expect(signOf(name, service)).toBeUndefined());

  test("that is said to be replaced in place", () => {
    const services = { migrate: { restart: "no" } };
    expect(findOneShots({ services }, ["migrate"], { migrate: { rollout: "recreate" } })).toEqual(new Map());
  });
});
