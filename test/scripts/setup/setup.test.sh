#!/usr/bin/env bash
# Tests of the set-up's functions, with fake programs on PATH where the machine must not be touched.
set -Eeuo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
# shellcheck source=test/scripts/support/assert.sh
source "$TOP/test/scripts/support/assert.sh"
# shellcheck source=scripts/setup.sh
source "$TOP/scripts/setup.sh"

# Writes a program.
# Arguments: path, its shell script
fake() {
  mkdir -p "$(dirname "$1")"
  printf '#!/bin/bash\n%s\n' "$2" >"$1"
  chmod +x "$1"
}

# Ensures packages on a machine that lacks most of them.
# Arguments: file that names the system
ensure_packages_on() { PATH=$PWD/bin OS_RELEASE=$1 ensure_packages; }

test_a_whole_machine_is_left_alone() {
  run ensure_packages
  check "where all packages are there, nothing happens" equals "0:" "$code:$output"
}

test_only_debian_installs() {
  printf 'ID=ubuntu\nVERSION_CODENAME=noble\n' >os-release
  run ensure_packages_on os-release
  check "another system gets an error" ended_with 1
  check "it names what is missing" said "lacks curl "
  check "it says what to do" said "install them (Docker Engine 26 or newer"
  check "it is one error" equals 1 "$(grep -c ^error <<<"$output")"
}

test_only_root_installs() {
  printf 'ID=debian\nVERSION_CODENAME=bookworm\n' >os-release
  cp -r "$TOP/scripts/setup.sh" "$TOP/scripts/setup" .
  chmod -R a+rX . ..
  printf '%s\n' 'source ./setup.sh' "PATH=$PWD/bin OS_RELEASE=os-release ensure_packages" >as-anyone.sh
  run setpriv --reuid 65534 --regid 65534 --clear-groups /bin/bash as-anyone.sh
  check "anyone but root gets an error" ended_with 1
  check "it says who installs" said "only as root on Debian 12"
}

test_the_codename_is_debians_alone() {
  printf 'NAME="Debian GNU/Linux"\nVERSION_CODENAME=bookworm\nID=debian\n' >debian
  printf 'ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=jammy\n' >ubuntu
  check "Debian has one" equals bookworm "$(debian_codename debian)"
  check "what is like Debian has none" fails debian_codename ubuntu
  check "a machine without the file has none" fails debian_codename none
}

test_the_engines_source_is_made_from_the_machines_own() {
  cat >one.list <<'LIST'
# deb http://commented.invalid/debian bookworm main
deb-src http://sources.invalid/debian bookworm main
deb http://security.invalid/debian-security bookworm-security main
deb [arch=amd64 signed-by=/keys/a.gpg] http://archive.invalid/debian bookworm main contrib # comment
LIST
  cat >two.sources <<'SOURCES'
Types: deb
URIs: http://off.invalid/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb deb-src
# a comment between fields
URIs: http://mirror.invalid/debian http://second.invalid/debian
Suites: bookworm bookworm-updates
Components: main non-free-firmware
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
SOURCES
  cat >other.sources <<'SOURCES'
Types: deb
URIs: https://packages.invalid/tool
Suites: bookworm
Components: main
SOURCES
  check "a one-line source, options kept" equals $'Types: deb\nURIs: http://archive.invalid/debian\nComponents: main\nSigned-By: /keys/a.gpg\nSuites: trixie' \
    "$(debian_source bookworm trixie one.list)"
  check "a deb822 source, its key kept" equals $'Types: deb\nURIs: http://mirror.invalid/debian\nComponents: main\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\nSuites: trixie' \
    "$(debian_source bookworm trixie two.sources)"
  check "Debian's archive goes before others" contains "$(debian_source bookworm trixie other.sources one.list)" archive.invalid
  check "no source is an error" fails debian_source bookworm trixie /dev/null
}

# Installs two packages with an apt-get that is a fake.
install_with_fake_apt() { PATH=$PWD/bin:$PATH without_services "$PWD/work" install_packages "$PWD/work/apt" bookworm docker.io curl; }

test_apt_is_left_as_it_was() {
  local before SERVICE_POLICY=$PWD/policy
  mkdir work
  before=$(find /etc/apt /var/lib/apt/lists -printf '%p %T@\n')
  fake bin/apt-get 'echo "$@" >>'"$PWD/calls"'; '"cat $PWD/policy >>$PWD/calls"
  run install_with_fake_apt
  check "an install succeeds" ended_with 0
  check "the engine comes from the newer release, the rest does not" contains "$(<calls)" "install docker.io/trixie curl"
  check "packages may start nothing meanwhile" contains "$(<calls)" "exit 101"
  check "apt's own files are untouched" equals "$before" "$(find /etc/apt /var/lib/apt/lists -printf '%p %T@\n')"
  check "no policy stays where there was none" fails test -e policy
}

test_the_service_policy_comes_back() {
  local SERVICE_POLICY=$PWD/policy
  mkdir work
  echo mine >policy
  fake bin/apt-get '[[ " $* " != *" install "* ]] || { echo "E: no such package"; exit 100; }'
  run install_with_fake_apt
  check "a failed install is an error" ended_with 1
  check "it shows what apt said" said "E: no such package"
  check "the policy is what it was" equals mine "$(<policy)"
}

test_node_is_new_enough_from_22_13_on() {
  local version
  for version in v22.13.0 v22.20.1 v24.0.0; do
    fake bin/node "echo $version"
    check "$version is" is_new_enough bin/node
  done
  for version in v22.12.9 v20.20.2 v8.0.0 nonsense; do
    fake bin/node "echo $version"
    check "$version is not" fails is_new_enough bin/node
  done
  check "no node is not" fails is_new_enough bin/none
}

# Ensures Node on a machine that has nothing but the fakes.
# Arguments: repository
ensure_node_on() { PATH=$PWD/bin ensure_node "$1"; }

test_node_without_npm_is_an_error() {
  fake bin/node 'echo v20.0.0'
  mkdir clone
  run ensure_node_on "$PWD/clone"
  check "it ends with 1" ended_with 1
  check "it says what to install" said "install Node.js 22.13 or newer, with npm"
}

test_what_is_older_than_its_sources_is_stale() {
  mkdir source
  touch source/file
  check "what is missing is" is_stale made source
  touch -d '1 minute' made
  check "what is newer is not" fails is_stale made source
  touch -d '2 minutes' source/file
  check "what is older is" is_stale made source
}

test_the_commands_run_this_clone() {
  local place="$PWD/a clone"
  mkdir -p "$place/bin"
  echo 'console.log(JSON.stringify(process.argv.slice(2)))' >"$place/bin/run.js"
  link_commands "$place"
  link_commands "$place"
  check "coldtivate gets its arguments as they are" equals "[\"a b\",\"\$c\"]" "$(PATH=$place/.tools/bin:/usr/bin:/bin coldtivate "a b" "\$c")"
  check "docker is Debian's" equals /usr/bin/docker "$(readlink "$place/.tools/bin/docker")"
}

run_tests
