import { expect, test } from "vitest";
import type { TaskConfig } from "../../../src/lib/config/schema/config.ts";
import type { ComposeService } from "../../../src/lib/compose/model.ts";
import { checkNames } from "../../../src/lib/fronts/names.ts";
import type { ServiceRollout } from "../../../src/lib/fronts/rollout.ts";

function check(services: Record<string, ComposeService>, fronted: string[] = [], tasks: Partial<TaskConfig>[] = []): void {
  checkNames({
    model: { services },
    rollouts: new Map(fronted.map((name): [string, ServiceRollout] => [name, { rollout: "blue-green", reason: "", ports: [] }])),
    tasks: tasks.map((task) => ({ name: "migrate", service: "web", run: ["x"], timeout: 1, ...task })),
    project: "shop-staging",
  });
}

test.each<[string, Parameters<typeof check>, string]>([
  ["a service like a task", [{ web: {}, "task-migrate": {} }, [], [{}]], "the task migrate runs as task-migrate"],
  [
    "a service like a task's undo",
    [{ web: {}, "undo-migrate": {} }, [], [{ undo: ["y"] }]],
    "the task migrate is taken back as undo-migrate",
  ],
  [
    "a host name like a slot",
    [{ web: {}, other: { hostname: "web-green" } }, ["web"]],
    "web-green, one of web's slots, is the hostname of other",
  ],
  ["a service like a front", [{ web: {}, "shop-staging-web-1": {} }, ["web"]], "as which others find web, is a name of shop-staging-web-1"],
  [
    "a container like a front",
    [{ web: {}, other: { container_name: "shop-staging-web-1" } }, ["web"]],
    "shop-staging-web-1, as which others find web, is a name of other",
  ],
  [
    "a container like a slot's",
    [{ web: {}, other: { container_name: "shop-staging-web-blue-1" } }, ["web"]],
    "shop-staging-web-blue-1, which a container of web's slot is called, is the container_name of other",
  ],
  [
    "a container like one of a slot with several",
    [{ web: { scale: 2 }, other: { container_name: "shop-staging-web-green-2" } }, ["web"]],
    "shop-staging-web-green-2, which a container of web's slot is called",
  ],
  [
    "an alias like a front",
    [{ web: {}, other: { networks: { default: { aliases: ["shop-staging-web-1"] } } } }, ["web"]],
    "shop-staging-web-1, as which others find web, is a name of other",
  ],
])("%s is refused", (_name, input, detail) => {
  expect(() => check(...input)).toThrow(
    expect.objectContaining({ code: "NAME_TAKEN", exit: "usage", details: [expect.stringContaining(detail)] }),
  );
});

test("the same names are free where nothing else needs them", () => {
  check({ web: { container_name: "shop-staging-web-1", hostname: "web-blue" }, "task-other": {}, "undo-migrate": {} }, ["web"], [{}]);
  check({ web: {}, other: { container_name: "shop-staging-web-blue-1" } });
  check({ web: {}, other: { container_name: "shop-staging-web-blue-api-1" } }, ["web"]);
  check({ web: {}, "task-migrate": {}, other: { hostname: "web-green" } });
});

test("a slot whose name is no host name any more is refused; without a front the name is as good as with plain Compose", () => {
  const name = "a".repeat(58);
  expect(() => check({ [name]: {} }, [name])).toThrow(
    expect.objectContaining({ code: "NAME_TOO_LONG", details: [expect.stringContaining("has 64 characters")] }),
  );
  check({ [name]: {} });
  check({ ["a".repeat(57)]: {} }, ["a".repeat(57)]);
});
