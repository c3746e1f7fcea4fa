#!/usr/bin/env bash
# Tests of the script's parts by themselves: what Compose is told of networks and volumes that are there. Docker is a function here.
set -Eeuo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
# shellcheck source=test/scripts/support/assert.sh
source "$TOP/test/scripts/support/assert.sh"
# shellcheck source=scripts/environment-deployment-management/engine.sh
source "$TOP/scripts/environment-deployment-management/engine.sh"

project=shop-staging

# What Compose is given beside the release's model, in a line, where docker lists these networks and volumes.
# Arguments: networks, volumes
told() (
  export dir=$PWD networks=$1 volumes=$2
  # Takes the place of the script's own.
  engine() { if [[ $1 == network ]]; then printf '%b' "$networks"; else printf '%b' "$volumes"; fi; }
  unset as_made
  rm -f made.*
  keep_made
  for file in "${as_made[@]}"; do [[ $file == -f ]] || paste -sd' ' "$file"; done
)

test_what_has_a_digest_is_taken_as_it_is() {
  check "networks alone" equals 'networks:   "default": !override { external: true, name: "shop-staging_default" }' \
    "$(told 'default\tshop-staging_default\tabc\n' '')"
  check "volumes alone" equals 'volumes:   "data": !override { external: true, name: "other" }' "$(told '' 'data\tother\tabc\n')"
  check "both, each in a file of its own" equals 2 "$(told 'a\tx_a\tabc\nb\tx_b\tabc\n' 'data\tx_data\tabc' | wc -l)"
}

test_what_has_none_is_left_to_compose() {
  check "nothing is there" equals '' "$(told '' '')"
  check "an older Compose made it" equals '' "$(told 'default\tshop-staging_default\t\n' 'data\tshop-staging_data\t\n')"
  check "one of several" equals 'networks:   "b": !override { external: true, name: "x_b" }' "$(told 'a\tx_a\t\nb\tx_b\tabc\n' '')"
}

test_no_name_has_two_functions() {
  check "the parts are one program" equals '' \
    "$(sed -n 's/^\([a-z_]*\)() [{(].*/\1/p' "$TOP"/scripts/environment-deployment-management{.sh,/*.sh} | sort | uniq -d)"
}

run_tests
