#!/bin/bash
# Makes the example monorepo as Git repositories, with a history: the same commits each time.
# usage: monorepo.sh REPOSITORIES WORKTREE URL
#   REPOSITORIES  gets backend.git and app-impact-reporting.git (its submodule), both bare
#   WORKTREE      a clone of backend.git on main, tags included, the submodule not yet fetched
#   URL           where REPOSITORIES are served; the clone's origin becomes URL/backend.git
set -Eeuo pipefail

SUBMODULE=App-Impact-Reporting

# What later commits add. All else is there from the first one on, and so is in v1.0.0.
KANO=(ML4-Nigeria/data/kano.csv)
CROPS=(Base-API/base_api/migrations/0002_crops.sql Gateway/snippets/compression.caddy)
CRATES=(Base-API/base_api/migrations/0003_crates.sql Gateway/snippets/security-headers.caddy)
FARMERS=(Base-API/roles/farmer.json Gateway/snippets/robots.caddy)

# Commits all that is staged in the current directory's repository; each commit a day after the one before.
# Arguments: message
commit() {
  local date
  date="$(date --utc --date="2024-03-04 09:00 +$(git rev-list --all --count) day" +%FT%T)Z"
  GIT_AUTHOR_DATE=$date GIT_COMMITTER_DATE=$date git commit --quiet --message "$1"
}

# Arguments: version, message
tag() {
  GIT_COMMITTER_DATE=$(git log -1 --format=%cI) git tag --annotate --message "$2" "$1"
}

# Arguments: commit of the submodule's repository
pin_submodule() {
  git update-index --add --cacheinfo "160000,$1,$SUBMODULE"
}

# Arguments: source, message, path…
add_later() {
  local source=$1 message=$2 path
  shift 2
  for path in "$@"; do
    mkdir -p "$(dirname "$path")"
    cp -p "$source/$path" "$path"
  done
  git add -- "$@"
  commit "$message"
}

# Arguments: directory, path of what it starts with
start_repository() {
  git init --quiet --initial-branch main "$1"
  cp -a "$2/." "$1"
}

# The submodule: two commits, of which the first has no README.
# Arguments: source, directory
write_submodule() {
  start_repository "$2" "$1/submodules/$SUBMODULE"
  cd "$2"
  git add --all
  git reset --quiet -- README.md
  commit "feat: report emissions"
  git add README.md
  commit "docs: say what the factor is"
}

# Arguments: source, directory, directory of the submodule's repository
write_backend() {
  local source=$1 directory=$2 first second path
  first=$(git -C "$3" rev-parse main~1)
  second=$(git -C "$3" rev-parse main)

  start_repository "$directory" "$source"
  cd "$directory"
  rm -rf submodules third-party dotenv \
    "${KANO[@]}" "${CROPS[@]}" "${CRATES[@]}" "${FARMERS[@]}"

  git add README.md .gitignore docker-compose*.yml
  commit "chore: lay out the services"
  for path in */; do
    git add "$path"
    commit "feat: add ${path%/}"
  done
  git config --file .gitmodules "submodule.$SUBMODULE.path" "$SUBMODULE"
  git config --file .gitmodules "submodule.$SUBMODULE.url" ../app-impact-reporting.git
  git add .gitmodules
  pin_submodule "$first"
  commit "feat: add $SUBMODULE as a submodule"
  git add coldtivate.yml .gitlab-ci.yml
  commit "chore: build and deploy with coldtivate"
  tag v1.0.0 "Cold rooms and their emissions"

  add_later "$source" "feat(ml4-nigeria): forecast prices in Kano" "${KANO[@]}"
  pin_submodule "$second"
  commit "chore: take the documented emission factor"
  add_later "$source" "feat: keep crops, compress answers" "${CROPS[@]}"
  tag v1.2.0 "Crops"

  add_later "$source" "feat: track crates, send security headers" "${CRATES[@]}"
  add_later "$source" "feat: let farmers read, keep robots out" "${FARMERS[@]}"
}

# Fails when the history ends with anything but the example itself.
# Arguments: source, directory
check_tree() {
  local excluded=(--exclude=.git --exclude=.gitmodules --exclude="$SUBMODULE")
  excluded+=(--exclude=submodules --exclude=third-party --exclude=dotenv --exclude=__pycache__)
  diff -r "${excluded[@]}" "$1" "$2" >&2 && [[ -z $(git -C "$2" ls-files --others --exclude-standard) ]]
}

main() {
  if (($# != 3)); then
    sed -n '3,6s/^# //p' "${BASH_SOURCE[0]}" >&2
    exit 2
  fi
  local repositories=$1 worktree=$2 url=$3 source
  source=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../../example")
  DRAFT=$(mktemp -d)
  trap 'rm -rf "$DRAFT"' EXIT

  export LC_ALL=C GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
  export GIT_AUTHOR_NAME="Ama Owusu" GIT_AUTHOR_EMAIL=ama@example.org
  export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL

  (write_submodule "$source" "$DRAFT/app-impact-reporting")
  (write_backend "$source" "$DRAFT/backend" "$DRAFT/app-impact-reporting")
  if ! check_tree "$source" "$DRAFT/backend"; then
    echo "monorepo.sh: the history does not end with what example/ holds; its list of later paths is out of date" >&2
    exit 1
  fi
  local name
  mkdir -p "$repositories"
  for name in app-impact-reporting backend; do
    git clone --quiet --bare --no-hardlinks "$DRAFT/$name" "$repositories/$name.git"
    git -C "$repositories/$name.git" remote remove origin
  done
  git clone --quiet --no-hardlinks "$repositories/backend.git" "$worktree"
  git -C "$worktree" remote set-url origin "$url/backend.git"
  git -C "$worktree" config user.name "$GIT_AUTHOR_NAME"
  git -C "$worktree" config user.email "$GIT_AUTHOR_EMAIL"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  main "$@"
fi
