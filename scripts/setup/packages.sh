#!/usr/bin/env bash
# The Debian packages that the sandbox and the tests stand on.

# One a line: the package, then the command that shows that it is there.
readonly PLAIN_PACKAGES='
ca-certificates update-ca-certificates
curl curl
debootstrap debootstrap
docker-registry docker-registry
git git
haproxy haproxy
iproute2 ip
iptables iptables
openssh-client ssh-agent
openssh-server sshd
procps ps
rootlesskit rootlesskit
rsync rsync
shellcheck shellcheck
shfmt shfmt
slirp4netns slirp4netns
tini tini
uidmap newuidmap
util-linux nsenter
'

# Debian 12 has an older engine, without buildx and Compose v2: these come from Debian 13.
readonly ENGINE_RELEASE=trixie ENGINE_MAJOR=26
readonly ENGINE_PACKAGES=(docker.io docker-cli docker-buildx docker-compose)

# Debian asks this program before a package starts a service.
SERVICE_POLICY=/usr/sbin/policy-rc.d

# Tells whether a command is installed, in the administrator's folders too.
# Arguments: command
has_command() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null; }

# Tells whether the engine, its client and both plugins are there, and new enough.
has_engine() {
  local version
  version=$(PATH="$PATH:/usr/sbin:/sbin" dockerd --version 2>/dev/null) || return 1
  [[ $version =~ version\ ([0-9]+)\. ]] && ((BASH_REMATCH[1] >= ENGINE_MAJOR)) || return 1
  [[ -x /usr/bin/docker ]] || return 1
  # A person's own configuration must not matter: it may not be readable, or have other plugins.
  DOCKER_CONFIG=/nonexistent /usr/bin/docker buildx version >/dev/null 2>&1 || return 1
  DOCKER_CONFIG=/nonexistent /usr/bin/docker compose version >/dev/null 2>&1
}

# Prints the packages that are missing, one a line.
missing_packages() {
  local package command
  while read -r package command; do
    [[ -z $package ]] || has_command "$command" || printf '%s\n' "$package"
  done <<<"$PLAIN_PACKAGES"
  has_engine || printf '%s\n' "${ENGINE_PACKAGES[@]}"
}

# Prints the codename of a Debian machine, nothing on any other.
# Arguments: the file that names the system
debian_codename() (
  # shellcheck source=/dev/null
  source "$1" 2>/dev/null && [[ ${ID:-} == debian ]] && printf '%s
' "${VERSION_CODENAME:-}"
)

# Prints Debian's archive, as this machine knows it, as an apt source for another release.
# Arguments: this machine's codename, the wanted one, apt's source files (one-line and deb822)
# Returns: 1 when none of the files names Debian's archive
debian_source() {
  local from=$1 to=$2 found
  shift 2
  found=$(awk -v from="$from" '
    # Later passes of awk read paragraphs; a one-line source becomes a paragraph of its own.
    FILENAME ~ /\.sources$/ { if ($0 !~ /^#/) text = text $0 "\n"; next }
    $1 == "deb" {
      options = ""
      if (match($0, /\[[^]]*\]/)) {
        options = substr($0, RSTART + 1, RLENGTH - 2)
        $0 = substr($0, 1, RSTART - 1) substr($0, RSTART + RLENGTH)
      }
      text = text "\nTypes: deb\nURIs: " $2 "\nSuites: " $3 "\nComponents:"
      for (i = 4; i <= NF && $i !~ /^#/; i++) text = text " " $i
      text = text "\n"
      count = split(options, option, " ")
      for (i = 1; i <= count; i++) {
        if (sub(/^signed-by=/, "", option[i])) text = text "Signed-By: " option[i] "\n"
        if (sub(/^trusted=/, "", option[i])) text = text "Trusted: " option[i] "\n"
      }
      text = text "\n"
    }
    FNR == 1 { text = text "\n" }
    END {
      count = split(text, stanza, /\n[ \t]*\n/)
      for (i = 1; i <= count; i++) {
        s = "\n" stanza[i]
        if (s !~ /\nTypes:[^\n]*deb([ \t\n]|$)/ || s ~ /\nEnabled:[ \t]*no/) continue
        if (s !~ "\nSuites:([^\n]*[ \t])?" from "([ \t\n]|$)") continue
        if (s !~ /\nComponents:([^\n]*[ \t])?main([ \t\n]|$)/) continue
        match(s, /\nURIs:[^\n]*/); split(substr(s, RSTART + 6, RLENGTH - 6), uri, " ")
        if (best != "" && uri[1] !~ /\/debian\/?$/) continue
        if (best != "" && chosen ~ /\/debian\/?$/) continue
        chosen = uri[1]
        best = "Types: deb\nURIs: " uri[1] "\nComponents: main"
        if (match(s, /\nSigned-By:[^\n]*(\n[ \t][^\n]*)*/)) best = best substr(s, RSTART, RLENGTH)
        if (match(s, /\nTrusted:[^\n]*/)) best = best substr(s, RSTART, RLENGTH)
      }
      print best
    }' "$@") || return 1
  [[ -n $found ]] || return 1
  printf '%s\nSuites: %s\n' "$found" "$to"
}

# Prints the files that say where this machine's packages come from.
apt_sources() {
  find /etc/apt/sources.list /etc/apt/sources.list.d -maxdepth 1 -type f \
    \( -name '*.list' -o -name '*.sources' \) 2>/dev/null
}

# Installs packages, the engine's from the newer release, and leaves nothing in apt's configuration.
# Arguments: an empty folder to work in, the machine's codename, packages
install_packages() {
  local work=$1 codename=$2 package targets=() sources=() options
  shift 2
  mapfile -t sources < <(apt_sources)
  mkdir -p "$work"/{parts,lists/partial,cache/archives/partial}
  chmod -R a+rX "$work"
  cp "${sources[@]}" "$work/parts/"
  if ! debian_source "$codename" "$ENGINE_RELEASE" "${sources[@]}" >"$work/parts/engine.sources"; then
    complain "apt's sources name no Debian archive for $codename" \
      "add one to /etc/apt/sources.list.d, then run this again"
    return 1
  fi
  printf 'Package: *\nPin: release n=%s\nPin-Priority: 100\n' "$ENGINE_RELEASE" >"$work/preferences"
  options=(-o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$work/parts"
    -o "Dir::Etc::preferences=$work/preferences" -o "Dir::State::lists=$work/lists"
    -o "Dir::Cache=$work/cache" -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold)
  for package; do
    [[ " ${ENGINE_PACKAGES[*]} " == *" $package "* ]] && package+=/$ENGINE_RELEASE
    targets+=("$package")
  done
  # One source of several that cannot be read is no reason to stop: the install itself tells.
  apt-get -q "${options[@]}" update >"$work/log" 2>&1 || true
  if ! DEBIAN_FRONTEND=noninteractive apt-get -qy "${options[@]}" --no-install-recommends \
    install "${targets[@]}" >>"$work/log" 2>&1 </dev/null; then
    tail -n 20 "$work/log" >&2
    complain "apt could not install ${targets[*]}" "its last lines are above"
    return 1
  fi
}

# Puts the machine's own service policy back, or none if it had none.
# Arguments: where it was kept
restore_services() {
  if [[ -e $1 || -L $1 ]]; then mv -f "$1" "$SERVICE_POLICY"; else rm -f "$SERVICE_POLICY"; fi
}

# Runs a command while no package may start a service, and puts the policy back whatever happens.
# Arguments: an empty folder to work in, command and its arguments
# Returns: what the command returned
without_services() (
  kept=$1/policy-rc.d
  shift
  if [[ -e $SERVICE_POLICY || -L $SERVICE_POLICY ]]; then mv -f "$SERVICE_POLICY" "$kept"; fi
  trap 'restore_services "$kept"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$SERVICE_POLICY"
  chmod +x "$SERVICE_POLICY"
  "$@"
)

# Installs what is missing; where all is there, touches nothing.
# Returns: 1 when something is missing and cannot be installed here
ensure_packages() {
  local missing codename work code=0
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]} > 0)) || return 0
  codename=$(debian_codename "${OS_RELEASE:-/etc/os-release}") || codename=
  if [[ $codename != bookworm ]] || ((EUID != 0)); then
    complain "this machine lacks ${missing[*]}" \
      "the sandbox installs them by itself only as root on Debian 12" \
      "install them (Docker Engine $ENGINE_MAJOR or newer, with buildx and Compose v2), then run this again"
    return 1
  fi
  work=$(mktemp -d)
  timed "packages: ${missing[*]}" without_services "$work" install_packages "$work/apt" "$codename" "${missing[@]}" || code=$?
  rm -rf "$work"
  return "$code"
}
