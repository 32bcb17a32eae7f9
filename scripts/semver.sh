#!/usr/bin/env bash
# Says whether what the libraries offer in Rust breaks its users more than the version says (cargo-semver-checks).
# It is not part of scripts/test.sh, as building the tool takes minutes. Run it before a release.
#
#   scripts/semver.sh              against the newest tag v*; says so and ends well if nothing was released yet
#   scripts/semver.sh REVISION     against any revision of the repository
#
# Exits 1 after a finding. Needs Rust; installs cargo-semver-checks if it is missing. Codes, reasons, settings and vectors
# are promises too, which it does not see: tests hold those.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

main() {
  if [[ ${1-} == -* ]]; then sed -n '5,6s/^# *//p' "${BASH_SOURCE[0]}" >&2; exit 2; fi
  local base=${1:-$(newest_release)}
  if [[ -z $base ]]; then
    echo "nothing was released yet: there is nothing to compare with"
    return
  fi
  if ! command -v cargo-semver-checks >/dev/null; then
    echo "installing cargo-semver-checks; this takes minutes" >&2
    cargo install --locked cargo-semver-checks
  fi
  cargo semver-checks check-release --package requires-auth --package requires-auth-testkit --all-features \
    --baseline-rev "$(git rev-parse --verify "$base^{commit}")"
}

newest_release() {
  git tag --list 'v[0-9]*' --sort=-version:refname | grep --invert-match --extended-regexp -- '-(alpha|beta|rc)\.' | head -n1 || true
}

main "$@"
