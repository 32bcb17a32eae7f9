#!/usr/bin/env bash
# Tries the recipes of CONTRIBUTING.md: each patch in tests/recipes applies to this tree and touches no more files than
# its recipe says; with all of them a copy of the tree compiles, and the tests that a recipe names pass. The copy is
# in target/recipes and uses the dependencies that are built in target. Part of scripts/test.sh.
#
#   scripts/recipes.sh            tries them all
#   scripts/recipes.sh NAME       makes a copy with this patch alone in target/recipes/NAME, to bring it up to date:
#                                 `git add -N` new files there, and `git diff` is the new patch
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Name, and how many files the change may touch.
readonly RECIPES=(
  "reason 4"
  "setting 6"
  "dialect 4"
  "adapter 9"
  "provider 6"
)
readonly ROOT=$PWD COPIES=$PWD/target/recipes

main() {
  if [[ $# -gt 0 ]]; then
    copy "$1"
    git -C "$COPIES/$1" apply --reject "$ROOT/tests/recipes/$1.patch" || true # what does not fit is beside it, as *.rej
    echo "work in $COPIES/$1, then: git -C $COPIES/$1 diff >tests/recipes/$1.patch"
    return
  fi
  local recipe name most
  copy all
  for recipe in "${RECIPES[@]}"; do
    read -r name most <<<"$recipe"
    applies "$name" "$most"
  done
  every_patch_is_a_recipe
  build
  rm -rf "$COPIES"
}

# copy NAME: the files of the tree, as a repository of its own, so that `git diff` shows the patch.
copy() {
  local folder=$COPIES/$1
  rm -rf "$folder"
  mkdir -p "$folder"
  git ls-files --cached --others --exclude-standard -z |
    tar --null --files-from=- -cf - | tar --touch -xf - -C "$folder"
  # Cargo tells two copies of a package in one target folder apart by their versions, not by their paths: without this
  # the tree itself would afterwards be tested with what was built here.
  sed -i 's/^version = "\([0-9.]*\)"$/version = "\1+recipes"/' "$folder/Cargo.toml"
  sed -i '/^name = "requires-auth/{n;s/"$/+recipes"/}' "$folder/Cargo.lock"
  git -C "$folder" init --quiet
  git -C "$folder" add --all
}

# applies NAME MOST: the patch applies to the tree as it is, and to the copy with those before it.
applies() {
  local patch=tests/recipes/$1.patch files
  files=$(git apply --numstat "$patch" | wc -l)
  if ((files > $2)); then
    fail "$patch touches $files files, and its recipe says at most $2"
  fi
  git apply --check "$patch" || fail "$patch does not apply: see \"Recipes\" in CONTRIBUTING.md"
  git -C "$COPIES/all" apply "$ROOT/$patch" || fail "$patch does not apply after the others"
  echo "$1: applies, $files files"
}

every_patch_is_a_recipe() {
  local patch name
  for patch in tests/recipes/*.patch; do
    name=$(basename "$patch" .patch)
    printf '%s\n' "${RECIPES[@]}" | grep -q "^$name " || fail "$patch is not in the list of this script"
  done
}

build() {
  export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$ROOT/target} CARGO_INCREMENTAL=0
  cd "$COPIES/all"
  grep -q '+recipes"$' Cargo.toml || fail "the copy has the version of the tree"
  cargo fmt --all --check
  cargo clippy --offline --workspace --all-targets --all-features -- -D warnings
  # An adapter needs no feature but its own.
  cargo check --offline -p requires-auth --no-default-features --features hyper
  # The tables and their pages, the layout, and the rules that the patches add.
  cargo test --offline -p requires-auth --all-features --lib --test reference --test settings --test invariants --test request_vectors
  cargo test --offline -p requires-auth-cli --all-features --bins
}

fail() {
  echo "scripts/recipes.sh: $1" >&2
  exit 1
}

main "$@"
