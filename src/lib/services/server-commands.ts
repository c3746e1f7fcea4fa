import { commandsOf } from "./command-words.ts";
import { servers, type Server } from "./servers.ts";

/** Words that a program's name may follow: shells, interpreters, and programs that start others. */
const starters =
  /^(?:exec|env|npx|bunx|npm|yarn|pnpm|bundle|dlx|x|run|--|-m|-jar|-y|--yes|tini|dumb-init|catatonit|sh|bash|nohup|nice|ionice|busybox|python[\d.]*|php[\d.]*|node|nodejs|ruby|perl|dotnet|deno|bun|tsx|ts-node|elixir|start|.*\.sh|.*entrypoint.*)$/;

/** Programs that run a command as another user, who is named first. */
const substitutes = /^(?:gosu|su-exec|chpst|setuidgid|chroot)$/;

/** Programs that do something to a server other than running it. */
const installers = /^(pip3?|apk|apt|apt-get|gem|brew|which|command|echo|printf|pkill|kill|killall|test|\[)$/;

export interface CommandPorts {
  ports: number[];
  /** The server, as written. */
  program: string;
  /** Whether its protocol is known not to be HTTP. */
  isOther: boolean;
  /** Whether only a file may say where it listens. */
  isToldElsewhere: boolean;
}

/**
 * The ports at which a command listens for other containers, if it runs a known server. Undefined if it runs none. A server that
 * listens only for its own container, or on a socket, has no port.
 *
 * @param text the whole command, with variables filled in
 * @param environment the container's variables
 */
export function portsOfCommand(text: string, environment: Readonly<Record<string, string>>): CommandPorts | undefined {
  const found: CommandPorts[] = [];
  for (const { words, variables } of commandsOf(text)) {
    if (installers.test(programName(words[0] ?? ""))) continue;
    const matches = servers.flatMap((server) => {
      const at = words.findIndex(
        (word, index) => server.program.test(programName(word)) && (server.isCommon !== true || isStarted(words, index)),
      );
      const more = environment[server.optionsVariable ?? ""] ?? "";
      const rest = [...words.slice(at + 1), ...more.split(/\s+/).filter((word) => word !== "")];
      const isIt = at !== -1 && (server.action === undefined || rest.some((word) => server.action?.test(word)));
      return isIt ? [{ server, rest, at }] : [];
    });
    // Settings of the server itself come before those of the program that starts it: `npm exec -- serve -l 3000`.
    for (const { server, rest, at } of matches.toSorted((one, other) => rank(one.server) - rank(other.server) || one.at - other.at)) {
      const ports = portsOf(server, rest, { ...environment, ...variables });
      const isToldElsewhere = ports === "elsewhere";
      if (ports === undefined) continue;
      found.push({
        ports: isToldElsewhere ? [] : ports,
        program: [
          programName(words[at] ?? ""),
          ...(server.action === undefined ? [] : [rest.find((word) => server.action?.test(word)) ?? ""]),
        ].join(" "),
        isOther: server.isOther === true,
        isToldElsewhere,
      });
      if (!isToldElsewhere && ports.length > 0) break;
    }
  }
  return found.find(({ ports }) => ports.length > 0) ?? found[0];
}

/** Whether a word is in a place where a program's name is expected. */
export function isStarted(words: readonly string[], index: number): boolean {
  let before = index - 1;
  // Skip the options of the program that starts it.
  while (before > 0 && (words[before] ?? "").startsWith("-") && !starters.test(words[before] ?? "")) before--;
  return before < 0 || starters.test(programName(words[before] ?? "")) || substitutes.test(programName(words[before - 1] ?? ""));
}

function rank({ action, binds, ports, fallback }: Server): number {
  return action === undefined && binds === undefined && ports === undefined && fallback === undefined ? 1 : 0;
}

/** Returns undefined if nothing says where it listens, because it may then be an entirely different kind of command. */
function portsOf(
  server: Server,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): number[] | "elsewhere" | undefined {
  if (isGiven(server.sockets, words)) return [];
  const variable = (names: readonly string[] = []) => names.map((name) => environment[name] ?? "").find((value) => value !== "");
  const listed = variable(server.bindVariables)?.split(/[;,]/) ?? [];
  const own = valuesOf(server.binds, words);
  const positional = server.isPositional === true ? words.filter((word) => /^(?:\[[0-9a-fA-F:]*\]:|[\w.*-]*:)?\d{2,5}$/.test(word)) : [];
  const addresses = [...own, ...(own.length === 0 ? listed : []), ...positional];
  const [port = variable(server.portVariables)] = valuesOf(server.ports, words);
  const [host = variable(server.hostVariables)] = valuesOf(server.hosts, words);
  if (addresses.length > 0) {
    return [
      ...new Set(addresses.flatMap((address) => portIn(address, host ?? (server.isLocal === true ? "localhost" : "")) ?? [])),
    ].toSorted((a, b) => a - b);
  }
  if (port !== undefined) {
    // A server that gets its port from a variable, on a platform, listens for everybody.
    const isTold = server.portVariables !== undefined && valuesOf(server.ports, words).length === 0;
    const isLocal = host === undefined ? server.isLocal === true && !(isTold && server.hosts === undefined) : isLoopback(host);
    return isLocal ? [] : [portIn(port, "")].filter((found) => found !== undefined);
  }
  if (server.fallback === undefined) return undefined;
  if (server.readsFile === true || isGiven(server.files, words)) return "elsewhere";
  const isLocal = host === undefined ? server.isLocal === true : isLoopback(host);
  return isLocal ? [] : [server.fallback];
}

function isGiven(names: readonly string[] = [], words: readonly string[]): boolean {
  return words.some((word) => names.some((name) => word === name || word.startsWith(`${name}=`)));
}

/** The values of options, in all the ways in which they can be written. */
function valuesOf(names: readonly string[] = [], words: readonly string[]): string[] {
  return words.flatMap((word, index) => {
    const next = words[index + 1];
    for (const name of names) {
      if (word === name) return next === undefined || next.startsWith("--") ? ["0.0.0.0"] : [next];
      if (word.startsWith(`${name}=`)) return [word.slice(name.length + 1)];
      if (/^-\w$/.test(name) && word.startsWith(name) && /^-\w[\d.[:]/.test(word)) return [word.slice(2)];
    }
    return [];
  });
}

/**
 * The port in an address, if other containers can reach it there.
 *
 * @param host the host of an address that is only a port
 */
function portIn(address: string, host: string): number | undefined {
  const plain = address.replace(/^[a-z]+:\/\//, "").replace(/[/?].*$/, "");
  const [, before = host, digits] = /^(?:(\[[0-9a-fA-F:]*\]|[^:/]*):)?(\d{1,5})$/.exec(plain) ?? [];
  const port = Number(digits);
  return digits === undefined || port < 1 || port > 65_535 || isLoopback(before) ? undefined : port;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host.startsWith("127.") || host === "[::1]" || host === "::1";
}

/** A program without its folder. */
export function programName(word: string): string {
  return word.split("/").at(-1) ?? word;
}
