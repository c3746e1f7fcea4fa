#!/usr/bin/env bash
# The gateway: the network's first address, with the registry and the Git server.

# Prints a random word.
random_word() { head -c 18 /dev/urandom | base64 | tr '+/' 'xy'; }

# Writes the registry's configuration and the only account it knows.
# Arguments: the gateway's folder
write_registry() {
  local folder=$1 password salt hash
  password=$(random_word)
  salt=$(random_word)
  printf '%s\n' sandbox >"$folder/user"
  printf '%s' "$password" >"$folder/password"
  # The least work that bcrypt has: the registry asks for it with every request.
  # The C library knows it, and Perl is part of every Debian. The password stays off the command line.
  hash=$(printf '%s' "$password" | perl -e 'print crypt(<STDIN>, $ARGV[0])' "\$2b\$04\$${salt:0:21}u")
  printf 'sandbox:%s\n' "$hash" >"$folder/htpasswd"
  chmod 600 "$folder"/{password,htpasswd}
  cat >"$folder/registry.yml" <<CONFIGURATION
version: 0.1
log: { level: error, accesslog: { disabled: false } }
storage:
  filesystem: { rootdirectory: /mnt/storage }
  delete: { enabled: true }
  maintenance: { uploadpurging: { enabled: false } }
http: { addr: "$REGISTRY" }
auth: { htpasswd: { realm: sandbox, path: /mnt/htpasswd } }
CONFIGURATION
}

# Makes the gateway's folder.
gateway_prepare() {
  local folder=$INSTANCE/gateway
  mkdir -p "$folder"/{storage,repositories}
  write_registry "$folder"
}

# Starts the gateway; its network is there.
gateway_up() {
  machine_start gateway gateway "$GATEWAY" /
}

# Writes a Docker client configuration that is logged in to the sandbox's registry.
# Arguments: the folder for it
write_docker_login() {
  local folder=$1 account
  mkdir -p "$folder"
  account=$(printf '%s:%s' "$(<"$INSTANCE/gateway/user")" "$(<"$INSTANCE/gateway/password")" | base64 -w0)
  (umask 077 && printf '{"auths":{"%s":{"auth":"%s"}}}\n' "$REGISTRY" "$account" >"$folder/config.json")
}
