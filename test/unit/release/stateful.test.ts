import { describe, expect, test } from "vitest";
import type { ImageFacts } from "../../../src/lib/services/image-facts.ts";
import type { ComposeService } from "../../../src/lib/compose/model.ts";
import { findStateful, type ServiceTraits } from "../../../src/lib/services/stateful.ts";
import { statefulPrograms } from "../../../src/lib/services/stateful-programs.ts";

const nothing: ImageFacts = { ports: [], volumes: [], entrypoint: [], command: [], environment: {} };
const find = (service: ComposeService, more: Partial<ServiceTraits> = {}) =>
  findStateful({ name: "store", service, isBuilt: true, ...more });

describe("what the project builds", () => {
  test.each<[string, ComposeService, Partial<ServiceTraits>, string]>([
    ["FROM", {}, { bases: ["postgres:15"] }, "PostgreSQL, by what its image is built from"],
    ["FROM, through another image", {}, { bases: ["registry.example/shop/base", "docker.io/library/redis:7-alpine"] }, "Redis, by what"],
    ["variables of its image", {}, { facts: { ...nothing, environment: { PGDATA: "/x" } } }, "PostgreSQL, by its image's variables"],
    ["a folder that a variable names", { environment: { PGDATA: "/x" } }, {}, "PostgreSQL, by its image's variables"],
    ["its command", { command: ["docker-entrypoint.sh", "mysqld"] }, {}, "MySQL, by its command"],
    ["a shell's", { command: ["sh", "-c", "exec redis-server --appendonly yes"] }, {}, "Redis, by its command"],
    ["its image's command", {}, { facts: { ...nothing, command: ["mongod", "--bind_ip_all"] } }, "MongoDB, by its command"],
    ["a mount", { volumes: [{ type: "volume", source: "x", target: "/var/lib/postgresql/data" }] }, {}, "PostgreSQL, by its folder"],
    ["its image's volume", {}, { facts: { ...nothing, volumes: ["/var/lib/mysql"] } }, "MySQL, by its folder"],
    ["its port", { ports: [{ target: 5432 }] }, {}, "PostgreSQL, by its port"],
    ["its image's port", {}, { facts: { ...nothing, ports: [6379] } }, "Redis, by its port"],
    ["its name", {}, { name: "db" }, "a database, by its name"],
    ["its name, as one of several", {}, { name: "postgres-primary" }, "PostgreSQL, by its name"],
    ["its name and what it is for", {}, { name: "redis-cache" }, "Redis, by its name"],
    ["a name that ends in a digit", {}, { name: "neo4j" }, "Neo4j, by its name"],
    ["a broker's name", {}, { name: "mqtt" }, "a broker, by its name"],
    ["its name, among others", {}, { name: "orders-redis-2" }, "Redis, by its name"],
  ])("is known by %s", (_name, service, more, expected) => {
    expect(find(service, more)).toContain(expected);
  });

  test.each<[string, ComposeService, Partial<ServiceTraits>]>([
    ["built from Node.js", {}, { bases: ["node:22", "debian:bookworm"] }],
    ["called like a program by the project", { image: "registry.example/shop/garage:1" }, {}],
    ["given another's password", { environment: { POSTGRES_PASSWORD: "x", POSTGRES_USER: "x", MYSQL_ROOT_PASSWORD: "x" } }, {}],
    ["reading a database's folder", { volumes: [{ type: "volume", source: "x", target: "/var/lib/mysql", read_only: true }] }, {}],
    ["a client by its name", {}, { name: "db-admin" }],
    ["called like nothing", {}, { name: "constructor" }],
    ["a server of its own", {}, { name: "api-server" }],
    ["a client of another program", {}, { name: "mongo-express" }],
    ["on a port of its own", { ports: [{ target: 8080 }], expose: ["9090"] }, {}],
    ["a client by its command", { command: ["wait-for", "redis-server:6379", "--", "./app"] }, {}],
  ])("is not taken for one where it is %s", (_name, service, more) => {
    expect(find(service, more)).toBeUndefined();
  });
});

test.each<[string, string]>([
  ["pg_isready", "PostgreSQL"],
  ["pg_isready -q -h 127.0.0.1", "PostgreSQL"],
  ["pg_isready -U $$POSTGRES_USER -d shop || exit 1", "PostgreSQL"],
  ["/usr/bin/pg_isready -h localhost -p 5433", "PostgreSQL"],
  ["redis-cli ping | grep PONG", "Redis"],
  ["redis-cli -a $$PASS --no-auth-warning ping", "Redis"],
  ["valkey-cli ping", "Valkey"],
  ["mysqladmin ping -h localhost", "MySQL"],
  ["mysqladmin ping -h 127.0.0.1 -u root -p$$MYSQL_ROOT_PASSWORD", "MySQL"],
  ["healthcheck.sh --connect --innodb_initialized", "MariaDB"],
  ["mongosh --eval db.adminCommand('ping')", "MongoDB"],
  ["rabbitmq-diagnostics -q ping", "RabbitMQ"],
  ["kafka-topics.sh --bootstrap-server localhost:9092 --list", "Kafka"],
  ["etcdctl endpoint health", "etcd"],
  ["cqlsh -e 'describe keyspaces'", "Cassandra"],
  ["cypher-shell -u neo4j -p x 'RETURN 1'", "Neo4j"],
  ["clickhouse-client --query 'SELECT 1'", "ClickHouse"],
  ["mysqladmin ping -hlocalhost", "MySQL"],
  ["mysqladmin ping -h store -uroot", "MySQL"],
  ["redis-cli -u redis://localhost:6379 ping", "Redis"],
  ["mongosh mongodb://127.0.0.1/test --eval 1", "MongoDB"],
  ["mongosh localhost:27017/test --eval 1", "MongoDB"],
  ["echo ruok | nc localhost 2181 | grep imok", "ZooKeeper"],
])("a health check by %s is one of %s", (command, expected) => {
  expect(find({ healthcheck: { test: ["CMD-SHELL", command] } })).toBe(`${expected}, by its health check`);
});

test.each([
  "pg_isready -h db",
  "pg_isready --host=db.example.com",
  "redis-cli -h redis ping",
  "mysqladmin ping -h mysql",
  "curl -f http://localhost:8000/",
  "kafka-topics.sh --bootstrap-server kafka:9092 --list",
  "mysqladmin ping -hdb -uroot",
  "redis-cli -u redis://:secret@redis:6379/0 ping",
  "mongosh mongodb://mongo:27017/shop --eval 1",
  "mongosh mongo:27017/shop --eval 1",
  "pg_isready -d postgres://u:p@db:5432/shop",
  "pg_isready --dbname=host=db",
])("a health check that asks another container is none: %s", (command) => {
  expect(find({ healthcheck: { test: ["CMD", ...command.split(" ")] } })).toBeUndefined();
});

test.each([
  "postgres",
  "bitnami/postgresql:16",
  "docker.io/library/mysql@sha256:00",
  "ghcr.io/immich-app/postgres:14",
  "mcr.microsoft.com/mssql/server:2022-latest",
  "localhost:5000/library/valkey:8",
  "redis:7-alpine",
])("another's image is known by its name: %s", (image) => {
  expect(find({ image }, { isBuilt: false })).toContain("by its image");
});

test("each program has its source, and is listed once", () => {
  expect(statefulPrograms.filter(({ source }) => !/^(?:https?:\/\/)/.test(source)).map(({ name }) => name)).toEqual([]);
  const names = statefulPrograms.map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
  const images = statefulPrograms.flatMap((program) => program.images);
  expect(images.filter((image, index) => images.indexOf(image) !== index)).toEqual([]);
});
