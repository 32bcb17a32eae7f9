#!/usr/bin/env bash
# Makes in dist/ what is given to people who do not build the command themselves:
#
#   requires-auth                                    the command: one file, static, stripped
#   requires-auth-VERSION-x86_64-linux.tar.gz        the same with completions, man pages, systemd unit and licences
#   requires-auth_VERSION_amd64.deb                  the same for Debian and its like; depends on nothing
#   SHA256SUMS                                       of all of these
#
#   scripts/dist.sh                     builds the command (profile dist) and makes all of it
#   scripts/dist.sh --command FILE      takes this command in the place of a build; for tests of the packages
#   scripts/dist.sh --to FOLDER         in the place of dist/
#
# Needs Rust, cc, binutils, Python, and for the package dpkg-deb. The same command gives the same files: every time in them is
# that of the last commit, or SOURCE_DATE_EPOCH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly TARGET=x86_64-unknown-linux-gnu
readonly PLATFORM=x86_64-linux
readonly NAME=requires-auth

main() {
  local command='' to=dist
  while (($#)); do
    case $1 in
      --command) command=$2; shift 2 ;;
      --to) to=$2; shift 2 ;;
      *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
    esac
  done
  umask 022
  SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
  export SOURCE_DATE_EPOCH
  if [[ -z $command ]]; then
    build
    command=$(target_folder)/$TARGET/dist/$NAME
    check_static "$command"
  fi
  mkdir -p "$to"
  to=$(cd "$to" && pwd)
  rm -rf "${to:?}/$NAME"* "$to/image" "$to/SHA256SUMS"
  strip --strip-all -o "$to/$NAME" "$command"
  version=$("$to/$NAME" --version | cut -d' ' -f2)

  parts=$(mktemp -d)
  trap 'rm -rf "$parts"' EXIT
  chmod 755 "$parts"
  collect "$to/$NAME" "$parts/$NAME-$version-$PLATFORM"
  archive "$parts" "$to"
  if command -v dpkg-deb >/dev/null; then
    packaging/debian/build.sh "$parts/$NAME-$version-$PLATFORM" "$version" "$to"
  else
    echo "dpkg-deb is missing: no Debian package is made" >&2
  fi
  (cd "$to" && sha256sum "$NAME"* >SHA256SUMS && ls -l && cat SHA256SUMS)
}

target_folder() {
  echo "${CARGO_TARGET_DIR:-$PWD/target}"
}

# One file that needs no library: packaging/static/names.c tells how it finds the addresses of names. Addresses that have to
# be corrected at start are kept short (pack-relative-relocs), and no path of this machine gets in (remap-path-prefix).
build() {
  local names rust_flags
  names=$(target_folder)/static/names.o
  mkdir -p "$(dirname "$names")"
  cc -O2 -fPIE -c packaging/static/names.c -o "$names"
  rust_flags=(
    -C target-feature=+crt-static
    -C "link-arg=$names"
    -C link-arg=-Wl,-z,pack-relative-relocs
    "--remap-path-prefix=$PWD=/requires-auth"
    "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
  )
  # With a target, the flags are not those of build scripts and macros, which cannot be static.
  CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${rust_flags[*]}") CARGO_INCREMENTAL=0 \
    cargo build --locked --profile dist --target "$TARGET" -p requires-auth-cli
}

check_static() {
  if readelf --program-headers --wide "$1" | grep -q INTERP || readelf --dynamic --wide "$1" | grep -q NEEDED; then
    echo "$1 is not static" >&2
    exit 1
  fi
}

# collect COMMAND FOLDER: everything that goes beside the command.
collect() {
  local command=$1 folder=$2 page
  mkdir -p "$folder"/{completions,man}
  install -m 755 "$command" "$folder/$NAME"
  "$command" completions bash >"$folder/completions/$NAME.bash"
  "$command" completions zsh >"$folder/completions/_$NAME"
  "$command" completions fish >"$folder/completions/$NAME.fish"
  while read -r page; do
    # shellcheck disable=SC2086 # `config emit` is two words
    "$command" man $page >"$folder/man/$(tr ' ' - <<<"$NAME $page" | sed 's/-$//').1"
  done < <(pages "$command")
  "$command" config init - >"$folder/gateway.toml"
  install -m 644 packaging/$NAME.service LICENSE-APACHE LICENSE-MIT CHANGELOG.md "$folder/"
  python3 scripts/licences.py >"$folder/LICENSES-THIRD-PARTY"
}

# The commands that have a page: the whole, each command, and each command of `config`.
pages() {
  local command=$1 name
  echo
  while read -r name; do
    echo "$name"
    if [[ $name == config ]]; then commands_of "$command" config | sed 's/^/config /'; fi
  done < <(commands_of "$command")
}

# commands_of COMMAND [NAME]: the names below `Commands:` in the help.
commands_of() {
  "$@" --help | awk '/^Commands:/ { inside = 1; next } /^$/ { inside = 0 } inside && /^  [a-z]/ && $1 != "help" { print $1 }'
}

archive() {
  local parts=$1 to=$2
  tar --create --directory "$parts" --sort=name --format=ustar --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 \
    --numeric-owner "$NAME-$version-$PLATFORM" | gzip --no-name -9 >"$to/$NAME-$version-$PLATFORM.tar.gz"
}

main "$@"
