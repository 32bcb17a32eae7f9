#!/usr/bin/env bash
# Makes a container image of the command, without a daemon and from nothing else:
#
#   dist/image/                              an OCI layout: skopeo copy oci:dist/image docker://...
#   dist/requires-auth-VERSION-image.tar     the same in one file: docker load, podman load; added to SHA256SUMS
#
#   scripts/image.sh                   takes dist/requires-auth, which scripts/dist.sh makes
#   scripts/image.sh --command FILE    takes this command
#   scripts/image.sh --to FOLDER       in the place of dist/
#   scripts/image.sh --ca FILE         the authorities to trust, in the place of those of this machine
#
# Needs Python 3.10 and cargo (for the licences). The same command and authorities give the same image.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

main() {
  local command='' to=dist ca=/etc/ssl/certs/ca-certificates.crt
  while (($# > 1)); do
    case $1 in
      --command) command=$2 ;;
      --to) to=$2 ;;
      --ca) ca=$2 ;;
      *) usage ;;
    esac
    shift 2
  done
  if (($#)); then usage; fi
  command=${command:-$to/requires-auth}
  [[ -x $command ]] || fail "$command is missing: scripts/dist.sh makes it"
  [[ -s $ca ]] || fail "$ca is missing: install ca-certificates, or name the authorities to trust with --ca"

  umask 022
  SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
  export SOURCE_DATE_EPOCH
  mkdir -p "$to"
  rm -rf "${to:?}/image" "$to"/requires-auth-*-image.tar
  licences=$(mktemp)
  trap 'rm -f "$licences"' EXIT
  python3 scripts/licences.py >"$licences"
  python3 scripts/image.py --command "$command" --licences "$licences" --ca "$ca" --to "$to" \
    --revision "$(git rev-parse HEAD)"
  (cd "$to" && sha256sum requires-auth* >SHA256SUMS && ls -l requires-auth-*-image.tar && du -sh image)
}

usage() {
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
  exit 2
}

fail() {
  echo "scripts/image.sh: $1" >&2
  exit 2
}

main "$@"
