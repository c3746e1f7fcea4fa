#!/usr/bin/env bash
# Tests of the sandbox: names and output, then the tests' own sandbox with parts of it broken.
set -Eeuo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
NET_OF_TESTS=${COLDTIVATE_TEST_NET:-198.18.1.0/24}
# shellcheck source=test/scripts/support/assert.sh
source "$TOP/test/scripts/support/assert.sh"
# shellcheck source=scripts/sandbox.sh
source "$TOP/scripts/sandbox.sh"

sandbox() { bash "$TOP/scripts/sandbox.sh" --net "$NET_OF_TESTS" "$@"; }

# Prints names of a sandbox.
# Arguments: repository, network
names() (name_instance "$1" "$2" && instance_names | paste -sd' ')

# Prints what the sandbox has made, beside those of others.
namespaces() { (name_instance "$TOP" "$NET_OF_TESTS" && ip netns list | grep "^$NAMESPACE-" | sort); }
as_deploy() { (name_instance "$TOP" "$NET_OF_TESTS" && host_ssh staging "$@" </dev/null); }

test_names_follow_the_network() {
  check "the default" equals "coldtivate-18-0 ct-18-0 198.18.0.1:5000 git://198.18.0.1:9418 198.18.0.2 /clone/.sandbox /clone/.tools/sandbox" "$(names /clone 198.18.0.0/24)"
  check "another network has its own folder" equals "coldtivate-19-255 ct-19-255 198.19.255.1:5000 git://198.19.255.1:9418 198.19.255.2 /clone/.sandbox/198.19.255.0 /clone/.tools/sandbox" \
    "$(names /clone 198.19.255.0/24)"
}

test_other_networks_are_refused() {
  local net
  for net in 10.0.0.0/24 198.20.0.0/24 198.18.256.0/24 198.18.0.0/16 198.18.0.5/24 198.18.0.0 ''; do
    run sandbox status --net "$net"
    check "'$net' is refused" ended_with 2
    check "'$net' is named" said "error: --net $net is no network of the sandbox"
  done
}

test_other_engines_are_refused() {
  run sandbox up --engine newest
  check "an engine that there is not is a usage error" ended_with 2
  check "it is named" said "error: --engine newest is no engine of the sandbox"
  run sandbox up --store cupboard
  check "so is a store" ended_with 2
  check "and named" said "error: --store cupboard is no image store"
}

test_bad_usage_is_refused() {
  run sandbox reboot
  check "an unknown command shows the usage" contains "$code:$output" "usage: scripts/sandbox.sh COMMAND"
  check "and is a usage error" ended_with 2
  run sandbox power-off nowhere
  check "an unknown host is an error" ended_with 1
  check "it names the hosts" said "hosts: staging production"
}

test_exports_arrive_as_they_are() {
  local value=$'a\'b "c" $d `e` \\f\n#g'
  check "quotes, dollars, backslashes and lines" equals "$value" \
    "$(eval "$(print_export VALUE "$value")" && printenv VALUE)"
  check "a plain shell reads them, too" equals "$value" "$(sh -c "$(print_export VALUE "$value"); printenv VALUE")"
}

test_the_environment_is_a_jobs() {
  local environment
  environment=$(sandbox env)
  check "it names no commit" lacks "$environment" CI_COMMIT
  eval "$environment"
  check "the registry takes its credentials" curl -fsS --noproxy '*' --config - "http://$CI_REGISTRY/v2/" \
    <<<"user = \"$CI_REGISTRY_USER:$CI_REGISTRY_PASSWORD\""
  check "and nobody else's" fails curl -fsS --noproxy '*' -u sandbox:wrong "http://$CI_REGISTRY/v2/"
  check "images go below it" equals "$CI_REGISTRY/group/backend" "$CI_REGISTRY_IMAGE"
  check "the key is private" equals 600 "$(stat -c %a "$STAGING_SSH_PRIVATE_KEY")"
  check "so is the dotenv" equals 600 "$(stat -c %a "$PRODUCTION_DOT_ENV")"
  check "the builder answers" docker version
  check "docker is Debian's" equals /usr/bin/docker "$(readlink -f "$(type -P docker)")"
  check "the fingerprint is the host's" contains \
    "$(ssh-keyscan -t ed25519 "$STAGING_SSH_HOST" 2>/dev/null | ssh-keygen -lf -)" "$STAGING_SSH_FINGERPRINT"
}

test_a_host_is_a_machine_of_its_own() {
  check "deploy is no user of this machine" fails getent passwd deploy
  check "deploy is no root" equals deploy "$(as_deploy id -un)"
  check "deploy may use Docker" contains "$(as_deploy docker version)" "Server:"
  check "its processes are its own" equals "tini -- sleep infinity" "$(as_deploy ps -o args= -p 1)"
  check "it does not see this repository" equals "" "$(as_deploy ls "$TOP" 2>/dev/null)"
  check "nor its own files from outside" equals "" "$(as_deploy ls /root 2>/dev/null)"
  check "it knows its name" equals staging "$(as_deploy hostname)"
}

test_a_power_cut_ends_everything_and_the_disk_stays() {
  as_deploy 'echo kept >kept && echo gone >/tmp/gone'
  sandbox power-off staging
  check "a host without power does not answer" fails as_deploy true
  run sandbox status
  check "status says so" contains "$code:$output" "staging      down"
  sandbox power-on staging
  check "the disk stays" equals kept "$(as_deploy cat kept)"
  check "memory does not" fails as_deploy test -e /tmp/gone
}

test_hosts_can_be_added() {
  local before
  run sandbox up --hosts many
  check "a word is no number of hosts" ended_with 2
  before=$(sandbox exec staging ps -o pid= -C dockerd)
  run sandbox up --hosts 1
  check "a host is added" ended_with 0
  check "the others are left alone" equals "$before" "$(sandbox exec staging ps -o pid= -C dockerd)"
  check "status has it" contains "$(sandbox status)" "deploy@${NET_OF_TESTS%.0/24}.101"
  check "env has it" equals "${NET_OF_TESTS%.0/24}.101" "$(eval "$(sandbox env)" && printenv HOST1_SSH_HOST)"
  check "it lets its user in, and its engine answers" contains \
    "$(name_instance "$TOP" "$NET_OF_TESTS" && host_ssh host1 'hostname; docker version' </dev/null)" "Server:"
}

test_hosts_have_this_machines_engine() {
  local environment
  environment=$(name_instance "$TOP" "$NET_OF_TESTS" && choose_engine '' '' && printf '%s %s %s' "$ENGINE" "$STORE" "$(host_root)")
  check "unless another one was asked for" equals "current graph /" "$environment"
  check "it is the same program" equals "$(dockerd --version)" "$(sandbox exec staging dockerd --version)"
  check "with its own image store" lacks "$(sandbox exec staging docker info --format '{{json .DriverStatus}}')" io.containerd.snapshotter
}

test_up_mends_what_is_broken() {
  local engine registry
  engine=$(sandbox exec builder pidof dockerd)
  registry=$(sandbox exec gateway pidof docker-registry)
  sandbox exec builder kill -KILL "$engine"
  sandbox exec gateway kill -KILL "$registry"
  sandbox power-off production
  run sandbox up
  check "up succeeds" ended_with 0
  check "it mends the parts that are broken" said "production again"
  check "and only those" lacks "$output" "staging again"
  run sandbox status
  check "all is well" ended_with 0
}

test_up_leaves_a_whole_sandbox_alone() {
  local before
  before=$(
    namespaces
    sandbox exec staging ps -o pid= -C dockerd
  )
  echo mine >"$TOP/.sandbox/${NET_OF_TESTS%/*}/monorepo/mine"
  run sandbox up
  check "nothing starts" equals "$before" "$(
    namespaces
    sandbox exec staging ps -o pid= -C dockerd
  )"
  check "a person's changes stay" equals mine "$(<"$TOP/.sandbox/${NET_OF_TESTS%/*}/monorepo/mine")"
  rm -f "$TOP/.sandbox/${NET_OF_TESTS%/*}/monorepo/mine"
}

run_tests
