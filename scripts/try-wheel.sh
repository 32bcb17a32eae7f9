#!/usr/bin/env bash
# Installs the Python package as a user does, in a clean folder, and lets the README's Flask example answer.
#
#   scripts/try-wheel.sh FILE.whl       without Rust in PATH
#   scripts/try-wheel.sh FILE.tar.gz    the source distribution: pip builds a wheel of it first, without optimisation
#
# Exits 1 if it does not install, or if an answer is not the right one. PYTHON chooses another Python than python3.
# Installs Flask and flask-cors with pip.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly FILE=$(realpath "${1:?the file to install: a wheel or a source distribution}")
readonly ROOT=$PWD
readonly SYSTEM=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

main() {
  local python
  python=$(command -v "${PYTHON:-python3}")
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  "$python" -m venv "$folder/venv"
  example >"$folder/app.py"
  cd "$folder"

  local started=$SECONDS
  case $FILE in
    *.whl)
      if env PATH="$SYSTEM" sh -c 'command -v cargo rustc'; then
        echo "there is Rust in $SYSTEM" >&2
        exit 1
      fi
      env PATH="$SYSTEM" "$folder/venv/bin/pip" install --quiet "$FILE" flask flask-cors
      ;;
    *)
      # What is tested is that everything is in it: the optimised build of the same sources is the wheel's.
      MATURIN_PEP517_ARGS="--profile dev" CARGO_TARGET_DIR="$ROOT/target/python/sdist" \
        "$folder/venv/bin/pip" install --quiet --no-cache-dir "$FILE" flask flask-cors
      ;;
  esac
  echo "installed in $((SECONDS - started)) s: $(basename "$FILE")"
  env -i PATH="$SYSTEM" HOME="$folder" "$folder/venv/bin/python" "$ROOT/scripts/try-flask.py"
}

# The README's block, as a user pastes it.
example() {
  awk '/^```python$/ && !done { inside = 1; next } /^```$/ { if (inside) done = 1; inside = 0 } inside' README.md
}

main
