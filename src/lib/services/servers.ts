/**
 * How a server is told where to listen. The words and defaults of each entry come from its own documentation. Servers that read
 * this from a configuration file (nginx, Apache, PHP-FPM) are not included.
 */
export interface Server {
  /** The program, without its folder. */
  program: RegExp;
  /** A word that must follow the program. */
  action?: RegExp;
  /** Options whose value is an address with a port: `0.0.0.0:8000`, `:8000`, `8000`, `tcp://…`. */
  binds?: readonly string[];
  /** Options whose value is only a port. */
  ports?: readonly string[];
  /** Options whose value is only an address. */
  hosts?: readonly string[];
  /** Whether a word without an option can be the address or port. */
  isPositional?: boolean;
  /** Variables that give the port, and the address, if no option does. */
  portVariables?: readonly string[];
  hostVariables?: readonly string[];
  /** Variables that give addresses with ports. */
  bindVariables?: readonly string[];
  /** The port that it listens on by default. Absent if that cannot be known. */
  fallback?: number;
  /** Options that name a file which may set the address instead. */
  files?: readonly string[];
  /** Whether it reads such a file by default. */
  readsFile?: boolean;
  /** Options for a socket, which replaces any port. */
  sockets?: readonly string[];
  /** Whether it listens only for its own container by default. */
  isLocal?: boolean;
  /** Whether its protocol is not HTTP. */
  isOther?: boolean;
  /** A variable with more options. */
  optionsVariable?: string;
  /** Whether its name is a common word, which counts only where a program's name is expected. */
  isCommon?: boolean;
}

/** The known servers. If a command matches two, the one with more settings comes first. */
export const servers: readonly Server[] = [
  // Python
  {
    program: /^gunicorn$/,
    binds: ["-b", "--bind"],
    portVariables: ["PORT"],
    optionsVariable: "GUNICORN_CMD_ARGS",
    readsFile: true,
    fallback: 8000,
    isLocal: true,
  },
  {
    program: /^uvicorn$/,
    ports: ["--port"],
    hosts: ["--host"],
    portVariables: ["UVICORN_PORT"],
    hostVariables: ["UVICORN_HOST"],
    sockets: ["--uds", "--fd"],
    fallback: 8000,
    isLocal: true,
  },
  { program: /^hypercorn$/, binds: ["-b", "--bind", "--insecure-bind"], files: ["-c", "--config"], fallback: 8000, isLocal: true },
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
  {
    program: /^litestar$/,
    action: /^run$/,
    ports: ["-p", "--port"],
    hosts: ["-H", "--host"],
    portVariables: ["LITESTAR_PORT"],
    hostVariables: ["LITESTAR_HOST"],
    fallback: 8000,
    isLocal: true,
  },
  { program: /^aiohttp\.web$/, ports: ["-P", "--port"], hosts: ["-H", "--hostname"], fallback: 8080, isLocal: true },
  { program: /^dagster-webserver$/, ports: ["-p", "--port"], hosts: ["-h", "--host"], fallback: 3000, isLocal: true },
  {
    program: /^airflow$/,
    action: /^(webserver|api-server)$/,
    ports: ["-p", "--port"],
    hosts: ["-H", "--hostname", "--host"],
    fallback: 8080,
  },
  {
    program: /^chainlit$/,
    action: /^run$/,
    ports: ["--port"],
    hosts: ["--host"],
    portVariables: ["CHAINLIT_PORT"],
    hostVariables: ["CHAINLIT_HOST"],
    fallback: 8000,
    isLocal: true,
  },
  { program: /^superset$/, action: /^run$/, ports: ["-p", "--port"], hosts: ["-h", "--host"], fallback: 5000, isLocal: true },
  { program: /^bentoml$/, action: /^serve$/, ports: ["-p", "--port"], hosts: ["--host"], portVariables: ["BENTOML_PORT"], fallback: 3000 },
  { program: /^vllm$/, action: /^serve$/, ports: ["--port"], hosts: ["--host"], sockets: ["--uds"], files: ["--config"], fallback: 8000 },
  { program: /^prefect$/, action: /^start$/, ports: ["--port"], hosts: ["--host"], fallback: 4200, isLocal: true },
  // Ruby
  { program: /^puma$/, binds: ["-b", "--bind"], ports: ["-p", "--port"], portVariables: ["PORT"], readsFile: true, fallback: 9292 },
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
  {
    program: /^unicorn(_rails)?$/,
    binds: ["-l", "--listen"],
    ports: ["-p", "--port"],
    files: ["-c", "--config-file"],
    fallback: 8080,
  },
  {
    program: /^thin$/,
    isCommon: true,
    action: /^start$/,
    ports: ["-p", "--port"],
    hosts: ["-a", "--address"],
    files: ["-C", "--config"],
    fallback: 3000,
  },
  { program: /^rackup$/, ports: ["-p", "--port"], hosts: ["-o", "--host"], fallback: 9292, isLocal: true },
  { program: /^passenger$/, action: /^start$/, ports: ["-p", "--port"], hosts: ["-a", "--address"], fallback: 3000 },
  { program: /^falcon$/, action: /^serve$/, binds: ["-b", "--bind"], ports: ["-p", "--port"], fallback: 9292, isLocal: true },
  { program: /^jekyll$/, action: /^s(erve|erver)?$/, ports: ["-P", "--port"], hosts: ["-H", "--host"], fallback: 4000, isLocal: true },
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
    program: /^nux[ti]$/,
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
  { program: /^astro$/, isCommon: true, action: /^(dev|preview)$/, ports: ["--port"], hosts: ["--host"], fallback: 4321, isLocal: true },
  { program: /^gatsby$/, action: /^serve$/, ports: ["-p", "--port"], hosts: ["-H", "--host"], fallback: 9000, isLocal: true },
  { program: /^react-scripts$/, action: /^start$/, portVariables: ["PORT"], hostVariables: ["HOST"], fallback: 3000 },
  { program: /^vue-cli-service$/, action: /^serve$/, ports: ["--port"], hosts: ["--host"], portVariables: ["PORT"], fallback: 8080 },
  { program: /^directus$/, action: /^start$/, portVariables: ["PORT"], hostVariables: ["HOST"], fallback: 8055 },
  { program: /^strapi$/, action: /^(start|develop)$/, portVariables: ["PORT"], hostVariables: ["HOST"], fallback: 1337 },
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
  // Elixir
  { program: /^mix$/, action: /^phx\.server$/, portVariables: ["PORT"] },
  // File servers and proxies
  { program: /^caddy$/, action: /^(file-server|respond)$/, binds: ["-l", "--listen"], fallback: 80 },
  { program: /^caddy$/, action: /^reverse-proxy$/, binds: ["-f", "--from"] },
  { program: /^httpd$/, isCommon: true, binds: ["-p"] },
  { program: /^static-web-server$/, ports: ["-p", "--port"], portVariables: ["SERVER_PORT"], fallback: 80 },
  { program: /^hugo$/, action: /^(server|serve)$/, ports: ["-p", "--port"], hosts: ["--bind"], fallback: 1313, isLocal: true },
];
