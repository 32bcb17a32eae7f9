#!/usr/bin/env bash
# Builds the Python package as it is published: one wheel for Linux on x86-64 and Python 3.10 or later (abi3), and the
# source distribution. A free-threaded Python has no stable ABI: its wheel is built on a tag, by the workflow `release`.
#
#   scripts/wheel.sh [FOLDER]      writes both into FOLDER, by default target/python/dist
#
# The wheel is linked by zig, which has the symbols of old versions of glibc: it installs where glibc is 2.28 or newer
# (Debian 10, Ubuntu 20.04, RHEL 8), whatever the machine has that builds it. PYTHON is the Python to build for, by
# default python3; which one it is matters for a free-threaded one alone.
# Needs Rust and Python with venv; installs maturin, zig and twine with pip into target/python/tools.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PLATFORM=manylinux_2_28
readonly TOOLS=$PWD/target/python/tools
readonly REMAP=("--remap-path-prefix=$PWD=/requires-auth" "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo")
readonly OUT=$(realpath --canonicalize-missing "${1:-target/python/dist}")

main() {
  if [[ ${1-} == -* ]]; then sed -n '5s/^# *//p' "${BASH_SOURCE[0]}" >&2; exit 2; fi
  provide_tools
  rm -f "$OUT"/requires_auth-*
  python3 scripts/sbom.py --python target/python/requires-auth-python.cdx.json
  "$TOOLS/bin/maturin" sdist --manifest-path python/Cargo.toml --out "$OUT"
  # `--zig` finds zig as a module of the Python that is first in PATH.
  # No path of this machine gets into the extension module (remap-path-prefix).
  CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${REMAP[*]}") PATH=$TOOLS/bin:$PATH \
    maturin build --release --locked --zig --compatibility "$PLATFORM" --manifest-path python/Cargo.toml \
    --sbom-include "$PWD/target/python/requires-auth-python.cdx.json" --out "$OUT" \
    --interpreter "$(command -v "${PYTHON:-python3}")"
  "$TOOLS/bin/twine" check --strict "$OUT"/*
  ls -l "$OUT"
}

provide_tools() {
  if [[ ! -x $TOOLS/bin/twine ]]; then python3 -m venv "$TOOLS"; fi
  "$TOOLS/bin/pip" install --quiet --upgrade 'maturin>=1.14,<2' 'twine>=7,<8' 'ziglang>=0.13,<1'
}

main "$@"
