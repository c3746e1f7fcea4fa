#!/usr/bin/env bash
# The past: releases that are kept here and have served.
# Sourced by environment-deployment-management.sh.

# Prints the releases that served, are completely kept and could serve again, one id per line. The release that served last comes
# first.
past_releases() {
  local id
  [[ -e $state/history ]] || return 0
  tac "$state/history" | awk -F '\t' '$4 == "finished" && !seen[$3]++ { print $3 }' | while IFS= read -r id; do
    [[ ! -s $state/releases/$id/compose.json || ! -s $(full_plan "$state/releases/$id") ]] || printf '%s\n' "$id"
  done
}

# Prints images of releases that the engine has but did not list: with containerd's store it lists only one of an image's names.
# Arguments: what it listed, the releases' models
unlisted_images() {
  local images
  images=$(comm -13 <(sort -u <<<"$1") <(cat /dev/null "${@:2}" 2>/dev/null | grep -oE '"image":"[^"]+@sha256:[0-9a-f]{64}"' | cut -d '"' -f 4 | sort -u))
  [[ -z $images ]] || xargs -r timeout -k 5 60 docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' <<<"$images" 2>/dev/null || true
}

# Tells the CLI which releases are kept, and everything about one of them. Arguments: its id; - for the one that served before the
# current one
tell_past() {
  local id wanted=$1 serving commit ref irreversible repeats text='' ids
  serving=$(current_release)
  mapfile -t ids < <(past_releases)
  for id in "${ids[@]}"; do
    commit=- ref=- irreversible=- repeats=-
    [[ $wanted != - || $id == "$serving" ]] || wanted=$id
    [[ ! -e $state/releases/$id/irreversible ]] || irreversible=irreversible
    IFS=$'\t' read -r _ _ commit ref _ repeats <"$state/releases/$id/who" || true
    text+="$id"$'\t'"${commit:--}"$'\t'"${ref:--}"$'\t'"$irreversible"$'\t'"${repeats:--}"$'\n'
  done
  field past "$text"
  [[ " ${ids[*]} " == *" $wanted "* ]] || return 0
  kept_release "$wanted" kept/
}

# Prints the path of a release's full plan. An older coldtivate called it plan.whole. Arguments: the release's directory
full_plan() { if [[ -e $1/plan.full ]]; then printf '%s\n' "$1/plan.full"; else printf '%s\n' "$1/plan.whole"; fi; }

# Tells the CLI the files of a release. Arguments: its id, or `current`; what to put before their names
kept_release() {
  local path file
  if [[ $1 == current ]]; then cd "$state/current/"; else cd "$state/releases/$1/"; fi
  for path in manifest.json compose.json plan.full fronts/*; do
    file=$path
    [[ $path != plan.full ]] || file=$(full_plan .)
    printf '%s\t%s\n' "${2-}$path" "$(stat -c %s "$file")" && cat "$file" && printf '\n' || return
  done
  field "${2-}hooks" "$(printf '%s\n' hooks/*)"
}

# Tells the CLI the digests of all images that releases here name.
kept_images() {
  [[ -e $state ]] || return 0
  cd "$state/releases"
  grep -rhoE --include={images,compose.json,manifest.json} 'sha256:[0-9a-f]{64}' . || (($? == 1))
}
