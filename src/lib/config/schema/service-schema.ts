import * as z from "zod";
import { duration, flag, port, text, textLike } from "./fields.ts";

const mode = z
  .enum(["http", "tcp"])
  .describe("http: the front passes requests on, and moves them to the new version at once; tcp: it passes connections on, of any kind.")
  .optional();

const proxyProtocol = flag("Tell the service its client's address by the PROXY protocol, version 2.").optional();

const wait = duration("How long its clients are given to notice; 4s unless said otherwise.").optional();

const word = z
  .string()
  .regex(/^[^\t\r\n]+$/, { error: "expected text without tabs and line breaks, and not empty" })
  .describe("A word of the command.");

const drainSignal = z
  .union(
    [
      z.strictObject({
        file: textLike(
          /^(?:\/|.*\$\{)[^\t\r\n]*$/,
          "expected an absolute path in the container",
          "A file that is made in the container: while it is there, the service asks its clients to leave.",
        ),
        wait,
      }),
      z.strictObject({
        command: z.array(word).min(1, { error: "must not be empty" }).describe("A command that is run in the container."),
        wait,
      }),
    ],
    { error: "expected one of {file: PATH}, {command: [PROGRAM, ARGUMENT…]}, with wait: DURATION if wanted" },
  )
  .describe("How the old version learns that its clients should go elsewhere, for connections that a front cannot look into (TLS).");

const mounted = textLike(/^[^\t\r\n]+$/, "expected a path", "A path in the repository, or where it is mounted in the container.");

/** Settings of a Compose service. */
export const service = z
  .strictObject({
    rollout: z
      .enum(["blue-green", "recreate", "hold", "once"])
      .describe(
        "How a new version takes over, where the inferred way is not the wanted one: beside the old one, in its place, or by running to its end.",
      )
      .optional(),
    port: port("The port inside the container that takes requests.").optional(),
    ports: z
      .array(
        z.union(
          [
            port("A port inside the container."),
            z.strictObject({ port: port("A port inside the container."), mode, proxy_protocol: proxyProtocol }),
          ],
          { error: "expected a port, or {port: PORT, mode: http or tcp, proxy_protocol: true or false}" },
        ),
      )
      .min(1, { error: "must not be empty" })
      .describe("The ports inside the container that take requests, where there are several.")
      .optional(),
    mode,
    healthy_within: duration(
      "How long a new container may take to become healthy; unless set, as long as its health check needs.",
    ).optional(),
    drain: duration("How long requests and connections in flight may take to finish.").optional(),
    drain_signal: drainSignal.optional(),
    proxy_protocol: proxyProtocol,
    trusted_proxies: z
      .array(textLike(/^[0-9A-Fa-f.:]+(?:\/\d{1,3})?$/, "expected an address or a network such as 10.0.0.0/8", "An address or a network."))
      .describe("Proxies in front of a published port, whose X-Forwarded headers are believed.")
      .optional(),
    headers: z
      .array(textLike(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "expected the name of a header, such as X-CamelCase", "The name of a header."))
      .describe(
        "Names of headers with their letters as they are to arrive; a front knows the usual ones, and those that the service answers with.",
      )
      .optional(),
    request_timeout: duration("How long the service may be silent while it works on a request.").optional(),
    data: z
      .array(mounted)
      .describe("Paths that the service writes to, which stay in one place for all releases, whatever the commit has there.")
      .optional(),
    content: z
      .array(mounted)
      .describe("Paths that are mounted writable, and belong to the commit all the same: what is written there is not needed.")
      .optional(),
    hold_limit: duration("How long a request may wait while the service is replaced (rollout hold).").optional(),
  })
  .describe("A Compose service.");

/** Settings of all fronts. */
export const front = z
  .strictObject({
    image: text("The HAProxy image that fronts run.").optional(),
    memory: textLike(/^\d+[bkmg]$/, "expected an amount of memory, such as 32m", "The memory that each front may use.").optional(),
  })
  .describe("The proxies in front of services that are replaced without a gap.");
