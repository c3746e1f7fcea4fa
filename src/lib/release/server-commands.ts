import { commandsOf } from "./command-words.ts";

/**
 * How a server is told where it listens. Each entry's words and defaults are those of its own documentation. Servers that
 * read it from a file of theirs (nginx, Apache, PHP-FPM) are not among them.
 */
interface Server {
  /** The program, without its folder. */
  program: RegExp;
  /** A word that has to come after it. */
  action?: RegExp;
  /** Options whose value is an address with a port: `0.0.0.0:8000`, `:8000`, `8000`, `tcp://…`. */
  binds?: readonly string[];
  /** Options whose value is a port alone. */
  ports?: readonly string[];
  /** Options whose value is an address alone. */
  hosts?: readonly string[];
  /** Whether a word of its own, without an option, can be the address or port. */
  isPositional?: boolean;
  /** Variables that give the port, and the address, where no option does. */
  portVariables?: readonly string[];
  hostVariables?: readonly string[];
  /** Variables that give addresses with ports. */
  bindVariables?: readonly string[];
  /** Where it listens unless it is told; absent: nowhere that can be known. */
  fallback?: number;
  /** Whether it then listens for its own container alone. */
  isLocal?: boolean;
  /** Whether what it speaks is no HTTP. */
  isOther?: boolean;
  /** A variable with more options. */
  optionsVariable?: string;
  /** Whether its name is a word like any other, which counts only where a program's name is to be expected. */
  isCommon?: boolean;
}

const servers: readonly Server[] = [
  // Python
  {
    program: /^gunicorn$/,
    binds: ["-b", "--bind"],
    portVariables: ["PORT"],
    optionsVariable: "GUNICORN_CMD_ARGS",
    fallback: 8000,
    isLocal: true,
  },
  {
    program: /^uvicorn$/,
    ports: ["--port"],
    hosts: ["--host"],
    portVariables: ["UVICORN_PORT"],
    hostVariables: ["UVICORN_HOST"],
    fallback: 8000,
    isLocal: true,
  },
  { program: /^hypercorn$/, binds: ["-b", "--bind", "--insecure-bind"], fallback: 8000, isLocal: true },
  { program: /^daphne$/, ports: ["-p", "--port"], hosts: ["-b", "--bind"], fallback: 8000, isLocal: true },
  {
    program: /^granian$/,
    ports: ["--port"],
    hosts: ["--host"],
    portVariables: ["GRANIAN_PORT"],
    hostVariables: ["GRANIAN_HOST"],
    fallback: 8000,
    isLocal: true,
  },
  {
    program: /^flask$/,
    action: /^run$/,
    ports: ["-p", "--port"],
    hosts: ["-h", "--host"],
    portVariables: ["FLASK_RUN_PORT"],
    hostVariables: ["FLASK_RUN_HOST"],
    fallback: 5000,
    isLocal: true,
  },
  { program: /^(manage\.py|django-admin)$/, action: /^runserver(_plus)?$/, isPositional: true, fallback: 8000, isLocal: true },
  { program: /^waitress-serve$/, binds: ["--listen"], ports: ["--port"], hosts: ["--host"], fallback: 8080 },
  {
    program: /^streamlit$/,
    action: /^run$/,
    ports: ["--server.port"],
    hosts: ["--server.address"],
    portVariables: ["STREAMLIT_SERVER_PORT"],
    hostVariables: ["STREAMLIT_SERVER_ADDRESS"],
    fallback: 8501,
  },
  { program: /^fastapi$/, action: /^run$/, ports: ["--port"], hosts: ["--host"], fallback: 8000 },
  { program: /^fastapi$/, action: /^dev$/, ports: ["--port"], hosts: ["--host"], fallback: 8000, isLocal: true },
  { program: /^sanic$/, ports: ["-p", "--port"], hosts: ["-H", "--host"], fallback: 8000, isLocal: true },
  { program: /^http\.server$/, isPositional: true, hosts: ["-b", "--bind"], fallback: 8000 },
  { program: /^(jupyter|jupyter-(lab|notebook|server))$/, ports: ["--port"], hosts: ["--ip"], fallback: 8888, isLocal: true },
  { program: /^(bokeh|panel)$/, isCommon: true, action: /^serve$/, ports: ["--port"], hosts: ["--address"], fallback: 5006, isLocal: true },
  { program: /^mlflow$/, action: /^(server|ui)$/, ports: ["-p", "--port"], hosts: ["-h", "--host"], fallback: 5000, isLocal: true },
  {
    program: /^celery$/,
    action: /^flower$/,
    ports: ["--port"],
    hosts: ["--address"],
    portVariables: ["FLOWER_PORT"],
    hostVariables: ["FLOWER_ADDRESS"],
    fallback: 5555,
  },
  { program: /^uwsgi$/, binds: ["--http", "--http-socket", "--http11-socket"] },
  { program: /^uwsgi$/, binds: ["--socket", "-s", "--uwsgi-socket", "--fastcgi-socket", "--scgi-socket"], isOther: true },
  { program: /^mkdocs$/, action: /^serve$/, binds: ["-a", "--dev-addr"], fallback: 8000, isLocal: true },
  // Ruby
  { program: /^puma$/, binds: ["-b", "--bind"], ports: ["-p", "--port"], portVariables: ["PORT"], fallback: 9292 },
  {
    program: /^rails$/,
    action: /^(s|server)$/,
    ports: ["-p", "--port"],
    hosts: ["-b", "--binding"],
    portVariables: ["PORT"],
    hostVariables: ["BINDING"],
    fallback: 3000,
  },
  { program: /^thrust$/, portVariables: ["HTTP_PORT"], fallback: 80 },
  { program: /^unicorn(_rails)?$/, binds: ["-l", "--listen"], ports: ["-p", "--port"], fallback: 8080 },
  { program: /^thin$/, isCommon: true, action: /^start$/, ports: ["-p", "--port"], hosts: ["-a", "--address"], fallback: 3000 },
  { program: /^rackup$/, ports: ["-p", "--port"], hosts: ["-o", "--host"], fallback: 9292, isLocal: true },
  { program: /^passenger$/, action: /^start$/, ports: ["-p", "--port"], hosts: ["-a", "--address"], fallback: 3000 },
  { program: /^falcon$/, action: /^serve$/, binds: ["-b", "--bind"], ports: ["-p", "--port"], fallback: 9292, isLocal: true },
  // PHP
  { program: /^php(\d[\d.]*)?$/, isCommon: true, binds: ["-S"] },
  {
    program: /^artisan$/,
    action: /^serve$/,
    ports: ["--port"],
    hosts: ["--host"],
    portVariables: ["SERVER_PORT"],
    fallback: 8000,
    isLocal: true,
  },
  { program: /^artisan$/, action: /^octane:start$/, ports: ["--port"], hosts: ["--host"], fallback: 8000, isLocal: true },
  { program: /^frankenphp$/, action: /^php-server$/, binds: ["-l", "--listen"], fallback: 80 },
  // JavaScript
  {
    program: /^next$/,
    isCommon: true,
    action: /^(start|dev)$/,
    ports: ["-p", "--port"],
    hosts: ["-H", "--hostname"],
    portVariables: ["PORT"],
    fallback: 3000,
  },
  {
    program: /^nuxt$/,
    action: /^(start|dev|preview)$/,
    ports: ["-p", "--port"],
    hosts: ["-h", "--host"],
    portVariables: ["NITRO_PORT", "PORT"],
    fallback: 3000,
    isLocal: true,
  },
  { program: /^vite$/, isCommon: true, action: /^preview$/, ports: ["--port"], hosts: ["--host"], fallback: 4173, isLocal: true },
  { program: /^vite$/, isCommon: true, ports: ["--port"], hosts: ["--host"], fallback: 5173, isLocal: true },
  { program: /^http-server$/, ports: ["-p", "--port"], hosts: ["-a"], portVariables: ["PORT"], fallback: 8080 },
  { program: /^serve$/, isCommon: true, binds: ["-l", "--listen"], ports: ["-p"], portVariables: ["PORT"], fallback: 3000 },
  { program: /^json-server$/, ports: ["-p", "--port"], hosts: ["-h", "--host"], portVariables: ["PORT"], fallback: 3000, isLocal: true },
  { program: /^ng$/, isCommon: true, action: /^(serve|s)$/, ports: ["--port"], hosts: ["--host"], fallback: 4200, isLocal: true },
  { program: /^(remix-serve|react-router-serve)$/, portVariables: ["PORT"], fallback: 3000 },
  { program: /^deno$/, isCommon: true, action: /^serve$/, ports: ["--port"], hosts: ["--host"], fallback: 8000 },
  { program: /^(node|nodejs|npm|yarn|pnpm|bun|deno|tsx|ts-node|nodemon|pm2-runtime)$/, isCommon: true, portVariables: ["PORT"] },
  // The JVM and .NET
  {
    program: /^java$/,
    isCommon: true,
    ports: ["--server.port", "-Dserver.port", "-Dquarkus.http.port", "-Dmicronaut.server.port"],
    portVariables: ["SERVER_PORT", "QUARKUS_HTTP_PORT", "MICRONAUT_SERVER_PORT"],
  },
  {
    program: /^dotnet$/,
    isCommon: true,
    binds: ["--urls"],
    bindVariables: ["ASPNETCORE_URLS", "ASPNETCORE_HTTP_PORTS"],
  },
  // Servers of files, and proxies
  { program: /^caddy$/, action: /^(file-server|respond)$/, binds: ["-l", "--listen"], fallback: 80 },
  { program: /^caddy$/, action: /^reverse-proxy$/, binds: ["-f", "--from"] },
  { program: /^httpd$/, isCommon: true, binds: ["-p"] },
  { program: /^static-web-server$/, ports: ["-p", "--port"], portVariables: ["SERVER_PORT"], fallback: 80 },
  { program: /^hugo$/, action: /^(server|serve)$/, ports: ["-p", "--port"], hosts: ["--bind"], fallback: 1313, isLocal: true },
];

/** What a program's name comes after: a shell, an interpreter, or whatever starts others. */
const starters =
  /^(?:exec|env|npx|bunx|npm|yarn|pnpm|bundle|dlx|x|run|--|-m|-jar|-y|--yes|tini|dumb-init|catatonit|sh|bash|nohup|nice|ionice|busybox|python[\d.]*|php[\d.]*|node|nodejs|ruby|perl|deno|bun|tsx|ts-node|elixir|start|.*\.sh|.*entrypoint.*)$/;

/** These run a command as somebody else, who comes first. */
const substitutes = /^(?:gosu|su-exec|chpst|setuidgid|chroot)$/;

/** Programs that do something with a server other than run it. */
const installers = /^(pip3?|apk|apt|apt-get|gem|brew|which|command|echo|printf|pkill|kill|killall|test|\[)$/;

export interface CommandPorts {
  ports: number[];
  /** The server, as it is written. */
  program: string;
  /** Whether what it speaks is known to be no HTTP. */
  isOther: boolean;
}

/**
 * The ports at which a command listens for other containers, where it runs a server that is known; undefined where it runs
 * none. A server that listens for its own container alone, or at a socket, has no port.
 *
 * @param text the whole command, variables filled in
 * @param environment what the container has of variables
 */
export function portsOfCommand(text: string, environment: Readonly<Record<string, string>>): CommandPorts | undefined {
  const found: CommandPorts[] = [];
  for (const { words, variables } of commandsOf(text)) {
    if (installers.test(nameOf(words[0] ?? ""))) continue;
    const matches = servers.flatMap((server) => {
      const at = words.findIndex(
        (word, index) => server.program.test(nameOf(word)) && (server.isCommon !== true || isStarted(words, index)),
      );
      const more = environment[server.optionsVariable ?? ""] ?? "";
      const rest = [...words.slice(at + 1), ...more.split(/\s+/).filter((word) => word !== "")];
      const isIt = at !== -1 && (server.action === undefined || rest.some((word) => server.action?.test(word)));
      return isIt ? [{ server, rest, at }] : [];
    });
    // What is said about the server itself goes before what is said about whatever starts it: `npm exec -- serve -l 3000`.
    for (const { server, rest, at } of matches.toSorted((one, other) => rank(one.server) - rank(other.server) || one.at - other.at)) {
      const ports = portsOf(server, rest, { ...environment, ...variables });
      if (ports === undefined) continue;
      found.push({
        ports,
        program: [
          nameOf(words[at] ?? ""),
          ...(server.action === undefined ? [] : [rest.find((word) => server.action?.test(word)) ?? ""]),
        ].join(" "),
        isOther: server.isOther === true,
      });
      if (ports.length > 0) break;
    }
  }
  return found.find(({ ports }) => ports.length > 0) ?? found[0];
}

/** Whether a word stands where the name of a program is to be expected. */
export function isStarted(words: readonly string[], index: number): boolean {
  let before = index - 1;
  // Options of whatever starts it.
  while (before > 0 && (words[before] ?? "").startsWith("-") && !starters.test(words[before] ?? "")) before--;
  return before < 0 || starters.test(nameOf(words[before] ?? "")) || substitutes.test(nameOf(words[before - 1] ?? ""));
}

function rank({ action, binds, ports, fallback }: Server): number {
  return action === undefined && binds === undefined && ports === undefined && fallback === undefined ? 1 : 0;
}

/** Undefined where nothing says where it listens, so that it may be another kind of command altogether. */
function portsOf(server: Server, words: readonly string[], environment: Readonly<Record<string, string>>): number[] | undefined {
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
    // A server that is told its port by a variable, on a platform, listens for everybody.
    const isTold = server.portVariables !== undefined && valuesOf(server.ports, words).length === 0;
    const isLocal = host === undefined ? server.isLocal === true && !(isTold && server.hosts === undefined) : isLoopback(host);
    return isLocal ? [] : [portIn(port, "")].filter((found) => found !== undefined);
  }
  if (server.fallback === undefined) return undefined;
  const isLocal = host === undefined ? server.isLocal === true : isLoopback(host);
  return isLocal ? [] : [server.fallback];
}

/** The values of options, in each of the ways in which they can be written. */
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
 * The port in an address, where other containers reach it.
 *
 * @param host what an address that is a port alone means
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
export function nameOf(word: string): string {
  return word.split("/").at(-1) ?? word;
}
