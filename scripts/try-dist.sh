#!/usr/bin/env bash
# Tries what scripts/dist.sh has made as somebody does who has no Rust:
#
#   the archive is what SHA256SUMS says, and nothing but its own folder comes out of it
#   the command runs the gateway of the README, in a clean folder, a clean environment and a network of its own
#   bash, zsh and fish take the completions, and man the pages
#   the Debian package holds the same command; with --install it is installed, tried and purged
#
#   scripts/try-dist.sh [FOLDER] [--install]     dist/, unless another is named
#
# Needs root (or sudo without a password) and Python 3.10, with pytest if PYTEST names it. Installs with apt and pip what is
# missing. Where lintian is installed, it reads the package.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ $(id -u) != 0 ]]; then exec sudo -n env PYTEST="${PYTEST-}" scripts/try-dist.sh "$@"; fi

readonly NAME=requires-auth
readonly PATH_WITHOUT_RUST=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin

main() {
  local from=dist install=no argument
  for argument in "$@"; do
    case $argument in
      --install) install=yes ;;
      -*) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
      *) from=$argument ;;
    esac
  done
  from=$(cd "$from" && pwd)
  clean=$(mktemp -d)
  trap 'rm -rf "$clean"' EXIT
  chmod 755 "$clean"

  provide nginx:nginx-light curl:curl zsh:zsh fish:fish man:man-db ip:iproute2 dpkg-deb:dpkg
  (cd "$from" && sha256sum --check --quiet SHA256SUMS)
  tar --extract --gzip --directory "$clean" --file "$(ls "$from/$NAME"-*-linux.tar.gz)"
  local folders=("$clean"/*)
  ((${#folders[@]} == 1)) || fail "the archive has more than one folder"
  ok "the archive is what SHA256SUMS says"

  try_readme "${folders[0]}"
  scripts/try-completions.sh "${folders[0]}/$NAME"
  try_pages "${folders[0]}/man"
  try_package "$from" "${folders[0]}"
  if [[ $install == yes ]]; then try_installed "$(ls "$from/$NAME"_*.deb)"; fi
}

try_readme() {
  local said
  if env -i PATH="$PATH_WITHOUT_RUST" sh -c 'command -v cargo rustc' >/dev/null; then
    fail "Rust is in $PATH_WITHOUT_RUST"
  fi
  # The test is skipped where nginx is missing: then nothing has been tried.
  said=$(unshare --net sh -ec 'ip link set lo up; exec "$@"' sh \
    env -i PATH="$PATH_WITHOUT_RUST" HOME="$clean" REQUIRES_AUTH_BIN="$1/$NAME" \
    "$(pytest_command)" -q -p no:cacheprovider tests/gateway/test_readme.py 2>&1) || true
  grep -q '^1 passed' <<<"$said" || fail "the gateway of the README does not run:"$'\n'"$said"
  ok "the gateway of the README runs without Rust"
}

pytest_command() {
  local found
  for found in ${PYTEST:-} target/containers/bin/pytest target/gateway/bin/pytest; do
    if [[ -x $found ]]; then
      realpath --no-symlinks "$found"
      return
    fi
  done
  python3 -m venv "$clean/venv"
  "$clean/venv/bin/pip" install --quiet 'pytest>=9,<10' >&2
  echo "$clean/venv/bin/pytest"
}

try_pages() {
  local page
  for page in "$1"/*.1; do
    [[ -z $(LC_ALL=C.UTF-8 man --warnings --encoding=utf8 --local-file "$page" 2>&1 >/dev/null) ]] || fail "man complains of $page"
  done
  ok "man shows the pages"
}

try_package() {
  local package unpacked=$clean/package
  package=$(ls "$1/$NAME"_*.deb)
  dpkg-deb --extract "$package" "$unpacked"
  cmp "$2/$NAME" "$unpacked/usr/bin/$NAME"
  [[ $(dpkg-deb --field "$package" Depends) == '' ]] || fail "the package depends on something"
  if command -v lintian >/dev/null; then
    lintian --allow-root --fail-on error,warning "$package"
    ok "lintian finds nothing"
  fi
  ok "the package holds the command"
}

try_installed() {
  if dpkg-query --show $NAME >/dev/null 2>&1; then fail "the package is installed already: it would be purged"; fi
  dpkg --install "$1" >/dev/null
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' $NAME) == installed ]]
  [[ $(command -v $NAME) == /usr/bin/$NAME ]]
  grep -q '^issuer = ' /etc/$NAME/gateway.toml
  if command -v systemd-analyze >/dev/null; then systemd-analyze verify $NAME.service; fi
  dpkg --purge $NAME >/dev/null
  [[ ! -e /etc/$NAME && ! -e /usr/bin/$NAME ]] || fail "the package leaves files behind"
  ok "the package can be installed and purged"
}

# provide COMMAND:PACKAGE...: installs the packages of the commands that are missing.
provide() {
  local pair missing=()
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
  done
  if ((${#missing[@]} == 0)); then return; fi
  echo "installing with apt-get: ${missing[*]}" >&2
  { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}"; } >/dev/null
}

ok() { echo "ok: $1"; }

fail() {
  echo "scripts/try-dist.sh: $1" >&2
  exit 1
}

main "$@"
