#!/usr/bin/env bash
# Pushes the image that scripts/image.sh made in dist/image, by its version and, if that is not a pre-release, as `latest`.
#
#   scripts/push-image.sh NAME VERSION    such as ghcr.io/requires-auth/requires-auth 0.1.0
#
# NAME may begin with another transport of skopeo, such as oci:/tmp/folder, to try it. REGISTRY_USER and REGISTRY_PASSWORD
# log in; without them skopeo's own login is used. Prints `digest=sha256:...`. Needs skopeo.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly LAYOUT=dist/image

main() {
  if [[ $# != 2 || $1 == -* ]]; then sed -n '4s/^# *//p' "${BASH_SOURCE[0]}" >&2; exit 2; fi
  local name=$1 version=$2 tag
  case $name in
    *:*/*) ;;
    *) name=docker://${name,,} ;; # a registry knows lower case only
  esac
  digests=$(mktemp)
  trap 'rm -f "$digests"' EXIT
  if [[ -n ${REGISTRY_USER-} ]]; then
    # There the action that attests the image looks for it, too.
    export REGISTRY_AUTH_FILE=$HOME/.docker/config.json
    mkdir -p "$HOME/.docker"
    # Over standard input, so that no list of processes shows it.
    skopeo login --username "$REGISTRY_USER" --password-stdin "$(registry "$name")" <<<"$REGISTRY_PASSWORD" >&2
  fi
  for tag in "$version" $(if [[ $version != *-* ]]; then echo latest; fi); do
    skopeo copy --preserve-digests --digestfile "$digests" "oci:$LAYOUT" "$name:$tag" >&2
  done
  echo "digest=$(cat "$digests")"
}

registry() {
  local name=${1#docker://}
  echo "${name%%/*}"
}

main "$@"
