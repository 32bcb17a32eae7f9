#!/usr/bin/env bash
# Prepares a release: the version in every manifest, lock file and page that names it, and the changelog.
#
#   scripts/release.sh VERSION            changes the files, and prints the release notes and what comes next
#   scripts/release.sh VERSION --dry-run  prints the changes and the release notes, and changes nothing
#   scripts/release.sh --notes VERSION    prints the release notes of a version that is in the changelog
#   scripts/release.sh --version          prints the version of the manifests
#   scripts/release.sh --holds TAG        says whether TAG is the version of the manifests, and has release notes
#
# RELEASE_DATE is the day in the changelog, by default today (UTC). Exits 2 if the tree is dirty, if the version is
# malformed, older than the present one or released already, or if nothing is in the changelog since the last release.
# It commits nothing and publishes nothing. docs/releasing.md has the whole way.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

main() {
  case "${1-} ${2-}" in
    "--version ") present_version ;;
    "--holds v"?*) hold_tag "${2#v}" ;;
    "--notes "?*) notes "$2" CHANGELOG.md ;;
    [v0-9]*" ") prepare "$1" ;;
    [v0-9]*" --dry-run") prepare "$1" dry ;;
    *) sed -n '4,8s/^# *//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
}

# prepare VERSION [dry]: new texts are made beside the files, and take their places only when all could be made.
prepare() {
  local new=$1 old file
  old=$(present_version)
  refuse_unless_releasable "$old" "$new"
  staged=$(mktemp -d)
  trap 'rm -rf "$staged"' EXIT
  stage Cargo.toml manifest "$old" "$new"
  stage python/Cargo.toml manifest "$old" "$new"
  while read -r file; do stage "$file" lock_file "$old" "$new"; done < <(git ls-files '*Cargo.lock')
  while read -r file; do stage "$file" page "$old" "$new"; done < <(pages)
  stage CHANGELOG.md changelog "$new" "${RELEASE_DATE:-$(date --utc +%F)}"

  if [[ ${2-} == dry ]]; then
    show_changes
  else
    cp --recursive "$staged/." .
    hold_lock_files
  fi
  echo "--- the notes of $new"
  notes "$new" "$staged/CHANGELOG.md"
  if [[ ${2-} != dry ]]; then
    echo "--- next: git commit -am 'release $new' && git tag -s v$new -m 'release $new' && git push --follow-tags"
  fi
}

present_version() {
  awk '/^\[/ { inside = ($0 == "[workspace.package]") } inside && /^version = / { gsub(/"/, "", $3); print $3 }' Cargo.toml
}

refuse_unless_releasable() {
  local old=$1 new=$2
  if [[ ! $new =~ ^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}(-(alpha|beta|rc)\.[0-9]+)?$ ]]; then
    refuse "$new is not a version such as 0.2.0 or 0.2.0-rc.1"
  fi
  if [[ -n $(git status --porcelain) ]]; then refuse "the tree is dirty: commit first"; fi
  if git rev-parse --quiet --verify "refs/tags/v$new" >/dev/null; then refuse "v$new is a tag already"; fi
  if [[ -n $(notes "$new" CHANGELOG.md) ]]; then refuse "$new is in CHANGELOG.md already"; fi
  # The first release has the version that the manifests were born with.
  if [[ $old != "$new" && $(ordered "$old" "$new") != "$old" ]]; then refuse "$new is older than $old"; fi
  if [[ -z $(notes Unreleased CHANGELOG.md) ]]; then refuse "nothing is in CHANGELOG.md under Unreleased"; fi
}

refuse() {
  echo "scripts/release.sh: $1" >&2
  exit 2
}

# What a tag says and what is in the tree must agree before anything is published.
hold_tag() {
  if [[ $1 != "$(present_version)" ]]; then refuse "the manifests have $(present_version), and the tag says $1"; fi
  if [[ -z $(notes "$1" CHANGELOG.md) ]]; then refuse "nothing is in CHANGELOG.md under $1"; fi
}

# The older of two versions. `sort` puts 0.2.0 before 0.2.0-rc.1, and 0.2.0 before 0.2.0~: so a `~` stands for `-`.
ordered() {
  printf '%s\n' "${1/-/\~}" "${2/-/\~}" | sort --version-sort | head -n1 | tr '~' '-'
}

# stage FILE HOW ARGUMENT...: the text that FILE is to have.
stage() {
  local file=$1 how=$2
  shift 2
  mkdir -p "$staged/$(dirname "$file")"
  "$how" "$@" <"$file" >"$staged/$file"
}

# The version of the package or of all packages, and those of the packages of this repository that it depends on.
manifest() {
  sed -E "s/^version = \"$(escaped "$1")\"$/version = \"$2\"/
    /^requires-auth[a-z-]* = .*path = /s/version = \"$(escaped "$1")\"/version = \"$2\"/"
}

lock_file() {
  awk -v old="version = \"$1\"" -v new="version = \"$2\"" '
    ours && $0 == old { $0 = new }
    { ours = /^name = "requires-auth/; print }'
}

# A page or a manifest for containers that names a package with its version: requires-auth:0.1.0, requires_auth-0.1.0.
page() {
  sed -E "s/(requires[-_]auth[a-z-]*(:|@|==|-|_)v?)$(escaped "$1")\b/\1$2/g"
}

pages() {
  git grep --files-with-matches --extended-regexp "requires[-_]auth[a-z-]*(:|@|==|-|_)v?$(escaped "$(present_version)")" \
    -- '*.md' '*.toml' '*.yaml' '*.yml' ':!CHANGELOG.md' ':!tests' || true
}

changelog() {
  sed "s/^## Unreleased$/&\n\n## $1 - $2/"
}

# The section of a version, without its title and the empty lines around it.
notes() {
  awk -v version="$1" '
    /^## / { inside = ($2 == version); next }
    inside && (/[^ ]/ || text) { text = text $0 "\n" }
    END { sub(/\n+$/, "", text); if (text) print text }' "$2"
}

escaped() {
  echo "${1//./\\.}"
}

show_changes() {
  local file
  while read -r file; do
    diff --unified=0 --label "a/$file" --label "b/$file" "$file" "$staged/$file" || true
  done < <(cd "$staged" && find . -type f -printf '%P\n' | sort)
}

# Cargo says whether each lock file is what its manifest asks for.
hold_lock_files() {
  local workspace
  for workspace in . python; do
    cargo tree --quiet --locked --manifest-path "$workspace/Cargo.toml" >/dev/null
  done
}

main "$@"
