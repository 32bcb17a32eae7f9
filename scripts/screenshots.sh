#!/usr/bin/env bash
# Makes docs/images/{inspector,live}{,-phone}.png: the pages of the inspector and of the live view, at two widths.
#
#   scripts/screenshots.sh              builds the command (debug) and makes all of them
#   scripts/screenshots.sh --dark       dark ones beside them, in target/screenshots, to look at
#
# Installs selenium and pillow with pip into target/screenshots. Needs Chromium and its driver (apt-get install chromium
# chromium-driver). Look at the pictures before you commit them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

environment=$PWD/target/screenshots/environment
[[ -x $environment/bin/python ]] || python3 -m venv "$environment"
"$environment/bin/pip" install --quiet 'selenium>=4.40,<5' 'pillow>=12,<13'
if [[ -z ${REQUIRES_AUTH_BIN:-} ]]; then cargo build -p requires-auth-cli --all-features; fi
exec "$environment/bin/python" tests/inspector/screenshots.py "$@"
