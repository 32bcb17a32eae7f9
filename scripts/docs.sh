#!/usr/bin/env bash
# Builds the documentation site into target/site; with --serve, shows it on loopback while you write.
#
#   scripts/docs.sh            builds it; a broken link, an unknown anchor or a page that is not in `nav` is a failure
#   scripts/docs.sh --serve    http://127.0.0.1:8000, built anew when a file changes
#
# It needs Python 3.10 or later, and installs what docs/requirements.txt names into target/docs, with pip. The site
# itself loads nothing from elsewhere: any static server can show it, and a folder of files can, without the search.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly ENVIRONMENT=$PWD/target/docs
export NO_MKDOCS_2_WARNING=1 # a notice about another program, in each build

main() {
  case ${1:-} in
    '') provide && exec "$ENVIRONMENT/bin/mkdocs" build --clean ;;
    --serve) provide && exec "$ENVIRONMENT/bin/mkdocs" serve --dev-addr 127.0.0.1:8000 ;;
    *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" && exit 2 ;;
  esac
}

# A virtual environment with the packages; nothing is done where they are there.
provide() {
  if cmp --silent docs/requirements.txt "$ENVIRONMENT/installed.txt"; then return; fi
  echo "installing with pip into target/docs: $(grep -v '^#' docs/requirements.txt | paste -sd' ')"
  "${PYTHON:-python3}" -m venv "$ENVIRONMENT"
  "$ENVIRONMENT/bin/pip" install --quiet --disable-pip-version-check --requirement docs/requirements.txt
  cp docs/requirements.txt "$ENVIRONMENT/installed.txt"
}

main "$@"
