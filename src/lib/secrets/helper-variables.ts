const aws = ["AWS_*"];
const google = ["GOOGLE_*", "CLOUDSDK_*"];
const azure = ["AZURE_*"];
const pass = ["PASSWORD_STORE_*", "GNUPGHOME", "GPG_TTY"];
const desktop = ["DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY"];

/** The environment variables that each credential helper reads, according to its documentation. */
const byHelper: Readonly<Record<string, readonly string[]>> = {
  "ecr-login": aws,
  gcr: google,
  gcloud: google,
  acr: azure,
  "acr-env": azure,
  "acr-linux": azure,
  "ghcr-login": ["GITHUB_TOKEN", "GH_TOKEN"],
  gh: ["GITHUB_TOKEN", "GH_TOKEN", "GH_HOST"],
  env: ["DOCKER_*_USR", "DOCKER_*_PSW", "GITHUB_TOKEN", ...aws],
  pass,
  secretservice: desktop,
  desktop,
};

/** Variables read by programs that provide logins and keys. `*` matches anything. */
export const helperVariables = {
  clouds: [...aws, ...google, ...azure],
  of: (helper: string): readonly string[] => (Object.hasOwn(byHelper, helper) ? byHelper[helper]! : []),
};
