#!/usr/bin/env bash
# Runs the container image of scripts/image.sh without a container engine: its files are the root, as another user, and in a
# network of its own. tests/containers/try_image.py says what is tried.
#
#   scripts/try-image.sh                        dist/image
#   scripts/try-image.sh FOLDER                 the image in FOLDER, with the command beside it
#   scripts/try-image.sh FOLDER --libraries     its command is not static: adds the libraries of this machine
#
# Needs root (for chroot, mounts, and ports of its own) or sudo without a password, iproute2, openssl and Python 3.10. Where
# skopeo is installed, it reads the image as well.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly FOLDER=${1:-dist}

if [[ $(id -u) != 0 ]]; then exec sudo -n scripts/try-image.sh "$@"; fi
if ! unshare --net --mount true; then
  echo "scripts/try-image.sh: this machine lets nobody make a network or mounts of his own" >&2
  exit 2
fi
if command -v skopeo >/dev/null; then
  skopeo inspect "oci:$FOLDER/image" >/dev/null
  skopeo inspect "docker-archive:$(ls "$FOLDER"/requires-auth-*-image.tar)" >/dev/null
  echo "ok: skopeo reads the layout and the archive"
fi
unshare --net --mount sh -ec 'ip link set lo up; exec "$@"' sh \
  python3 tests/containers/try_image.py "$FOLDER/image" "$FOLDER/requires-auth" "${@:2}"
