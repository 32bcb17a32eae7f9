#!/usr/bin/env bash
# Compiles what is shipped with the oldest Rust that the manifests promise.
#
#   scripts/oldest-rust.sh [TOOLCHAIN]    by default the `rust-version` of Cargo.toml, which rustup installs
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

promised=$(awk -F'"' '/^rust-version = / { print $2 }' Cargo.toml)
readonly TOOLCHAIN=${1:-$promised}
if [[ $(awk -F'"' '/^rust-version = / { print $2 }' python/Cargo.toml) != "$promised" ]]; then
  echo "Cargo.toml and python/Cargo.toml promise different versions of Rust" >&2
  exit 1
fi
if ! rustup run "$TOOLCHAIN" rustc --version; then
  rustup toolchain install "$TOOLCHAIN" --profile minimal
fi
export RUSTUP_TOOLCHAIN=$TOOLCHAIN
cargo check --workspace --all-features --locked
cargo check --manifest-path python/Cargo.toml --locked
