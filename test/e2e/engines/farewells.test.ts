import { afterAll, beforeAll, expect, test } from "vitest";
import { onHost } from "../support/hosts.ts";
import { makeProject, type Project } from "../support/projects/compose-project.ts";

const server = `    expose: [8000]
    command: python3 -m http.server 8000
    healthcheck: { test: [CMD, curl, -fsS, "http://localhost:8000/"], interval: 20s, retries: 2, start_period: 20s, start_interval: 500ms }
`;

/** A service whose containers write down that they are told before they stop. */
const service = (name: string, edition: number, more = "") => `  ${name}:
    image: \${CI_REGISTRY_IMAGE}/web:\${CI_COMMIT_REF_SLUG}
    init: true
    environment: { EDITION: "${edition}" }
    pre_stop: [{ command: [sh, -c, 'echo "$$EDITION" >>/said/$$SERVICE'], environment: { SERVICE: ${name} } }]
    volumes: ["said:/said"]
${more}`;

const compose = (edition: number) =>
  `services:\n${service("plain", edition)}${service("held", edition, server)}${service("twin", edition, server)}volumes: { said: {} }\n`;

let project: Project;

beforeAll(async () => {
  project = await makeProject({
    name: "farewells",
    images: { web: "./web" },
    compose: ["compose.yaml"],
    settings: "services: { twin: { rollout: blue-green } }\n",
    files: { "compose.yaml": compose(1), "web/Dockerfile": 'ARG BASE\nFROM ${BASE}\nCMD ["sleep", "infinity"]\n' },
  });
});
afterAll(() => project.remove());

test("what is to run in a container before it stops runs once in each, whoever made it and however it is replaced", async () => {
  const said = () =>
    onHost("staging", `cd $(docker volume inspect --format '{{.Mountpoint}}' ${project.project}_said) && grep -r . . | sort || true`);
  await project.plain("up", "-d", "--wait");
  await project.change({ "compose.yaml": compose(2) });
  await project.deploy();
  const once = ["./held:1", "./plain:1", "./twin:1"];
  expect(await said()).toBe(once.join("\n"));
  await project.change({ "compose.yaml": compose(3) });
  await project.deploy();
  expect(await said()).toBe(once.flatMap((line) => [line, line.replace("1", "2")]).join("\n"));
});
