#!/usr/bin/env bash
# Packs the three crates as they are published, and builds each from what was packed.
#
#   scripts/crates.sh            packs and builds them, in the order in which they are published; minutes
#   scripts/crates.sh --list     looks only at what would be packed and at what a registry's page shows; seconds
#
# Exits 1 if a file is missing or does not belong there, if a page would lack something, or if a build fails. The
# tree may be dirty: what is packed is what is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# In the order of publishing: the library's tests need the testkit, and the command needs both.
readonly CRATES=(requires-auth-testkit requires-auth requires-auth-cli)
# What cargo writes, and what every crate has.
readonly ALWAYS=(.cargo_vcs_info.json Cargo.lock Cargo.toml Cargo.toml.orig LICENSE-APACHE LICENSE-MIT README.md)
readonly COMPRESSED_KB=1024 # the limit of each crate here; the registry's is ten times that

main() {
  case "${1-}" in
    "") look; pack ;;
    --list) look ;;
    *) sed -n '4,5s/^# *//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
}

look() {
  local crate
  for crate in "${CRATES[@]}"; do
    look_at_files "$crate"
    look_at_licences "$crate"
  done
  cargo metadata --no-deps --offline --format-version 1 | python3 -c "$PAGE" "${CRATES[@]}"
}

# Packed is what is tracked, but for what reads files of the whole repository, and nothing else.
look_at_files() {
  local crate=$1 packed expected left_out=(':!tests' ':!benches' ':!fuzz')
  if [[ $crate == requires-auth-testkit ]]; then left_out+=(':!examples'); fi
  packed=$(cargo package --package "$crate" --list --allow-dirty 2>/dev/null | sort)
  expected=$(git -C "crates/$crate" ls-files -- . "${left_out[@]}" && printf '%s\n' "${ALWAYS[@]}")
  if ! diff <(sort --unique <<<"$expected") <(echo "$packed") >&2; then
    echo "$crate: packed is not what is tracked (< tracked, > packed)" >&2
    exit 1
  fi
  echo "$crate: $(wc -l <<<"$packed") files"
}

look_at_licences() {
  local licence
  for licence in LICENSE-APACHE LICENSE-MIT; do
    cmp "$licence" "crates/$1/$licence" >&2 || exit 1
  done
}

# What the page of a crate on the registry is made of. The registry refuses more than five keywords or categories.
readonly PAGE='
import json, sys
packages = {package["name"]: package for package in json.load(sys.stdin)["packages"]}
problems = []
for name in sys.argv[1:]:
    package = packages[name]
    for field in ("description", "license", "readme", "repository", "rust_version"):
        if not package[field]:
            problems.append(f"{name}: no {field}")
    for field in ("keywords", "categories"):
        if not 1 <= len(package[field]) <= 5:
            problems.append(f"{name}: {len(package[field])} {field}")
    is_library = any("lib" in target["kind"] for target in package["targets"])
    docs = ((package["metadata"] or {}).get("docs") or {}).get("rs") or {}
    if is_library and not (package["documentation"] and docs.get("all-features")):
        problems.append(f"{name}: nothing says how its documentation is built")
    readme = open(package["manifest_path"].replace("Cargo.toml", package["readme"]), encoding="utf-8").read()
    for feature in package["features"]:
        if feature != "default" and f"`{feature}`" not in readme:
            problems.append(f"{name}: its README does not name the feature {feature}")
    for dependency in package["dependencies"]:
        if dependency.get("path") and dependency["req"] == "*":
            problems.append(f"{name}: {dependency['"'name'"']} has a path and no version")
print("\n".join(problems) or "the pages have all that they need")
sys.exit(bool(problems))
'

pack() {
  # One command for all: cargo lets each be built against those that were packed before it.
  cargo package --workspace --all-features --allow-dirty --locked
  local crate file
  for crate in "${CRATES[@]}"; do
    for file in "${CARGO_TARGET_DIR:-target}/package/$crate"-[0-9]*.crate; do
      echo "$file: $(($(stat --format %s "$file") / 1024)) KB"
      if (($(stat --format %s "$file") > COMPRESSED_KB * 1024)); then
        echo "$file: more than $COMPRESSED_KB KB" >&2
        exit 1
      fi
    done
  done
}

main "$@"
