import type { ExecaError } from "execa";
import { ColdtivateError } from "../../errors.ts";

/**
 * Explains the failure of a `docker` command that we ran, if Docker itself is the cause; undefined if something else was wrong.
 */
export function describeDockerFailure(failure: ExecaError): ColdtivateError | undefined {
  if (failure.code === "ENOENT") {
    return new ColdtivateError("docker cannot be run", {
      code: "DOCKER_MISSING",
      exit: "usage",
      hint: "Install the Docker client with its buildx plugin, and put it on PATH.",
      cause: failure,
    });
  }
  return describeDockerTrouble([failure.stderr, failure.stdout].map(String).join("\n"), failure);
}

/** The same for the output of a `docker` command. */
export function describeDockerTrouble(said: string, cause: unknown): ColdtivateError | undefined {
  if (/'?buildx'? is not a docker command|unknown command:? (docker )?buildx|unknown flag: --(progress|metadata-file)/i.test(said)) {
    return new ColdtivateError("this docker has no buildx, which builds the images", {
      code: "BUILDX_MISSING",
      exit: "usage",
      hint: "Install the buildx plugin (0.13 or newer; Debian: docker-buildx), or put the docker that has it first on PATH.",
      cause,
    });
  }
  const [unreachable] =
    /.*(cannot connect to the docker daemon|permission denied while trying to connect|error during connect).*/i.exec(said) ?? [];
  return unreachable === undefined ? undefined : engineUnreachable(unreachable.trim(), cause);
}

/** The error for a build engine that does not answer. */
export function engineUnreachable(detail: string, cause: unknown): ColdtivateError {
  return new ColdtivateError("the Docker engine does not answer", {
    code: "DOCKER_UNREACHABLE",
    exit: "refused",
    details: [detail],
    hint: "Start the engine, or point DOCKER_HOST or docker context at one that you may use.",
    cause,
  });
}
