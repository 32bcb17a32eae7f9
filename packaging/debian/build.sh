#!/usr/bin/env bash
# Makes the Debian package of what scripts/dist.sh has collected; that script calls it.
#
#   packaging/debian/build.sh COLLECTED VERSION TO
#
# The package depends on nothing, as the command is static. It starts no service: the configuration has to be filled in first.
set -euo pipefail

readonly NAME=requires-auth
readonly HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

main() {
  local collected=$1 version=$2 to=$3
  : "${SOURCE_DATE_EPOCH:?}"
  umask 022
  root=$(mktemp -d)
  trap 'rm -rf "$root"' EXIT
  chmod 755 "$root"
  # The revision of the package: the version before it is the command's.
  version=$version-1
  install_files "$collected" "$root" "$version"
  describe "$version" "$root"
  find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
  dpkg-deb --root-owner-group -Zxz --build "$root" "$to/${NAME}_${version}_amd64.deb" >&2
}

install_files() {
  local from=$1 root=$2 version=$3 page
  local documents=$root/usr/share/doc/$NAME
  install -D -m 755 "$from/$NAME" "$root/usr/bin/$NAME"
  install -D -m 644 "$from/gateway.toml" "$root/etc/$NAME/gateway.toml"
  install -D -m 644 "$from/$NAME.service" "$root/lib/systemd/system/$NAME.service"
  install -D -m 644 "$from/completions/$NAME.bash" "$root/usr/share/bash-completion/completions/$NAME"
  install -D -m 644 "$from/completions/_$NAME" "$root/usr/share/zsh/vendor-completions/_$NAME"
  install -D -m 644 "$from/completions/$NAME.fish" "$root/usr/share/fish/vendor_completions.d/$NAME.fish"
  install -d "$root/usr/share/man/man1" "$documents"
  for page in "$from"/man/*.1; do
    gzip --no-name -9 <"$page" >"$root/usr/share/man/man1/$(basename "$page").gz"
  done
  gzip --no-name -9 <"$from/CHANGELOG.md" >"$documents/changelog.gz"
  debian_changelog "$version" | gzip --no-name -9 >"$documents/changelog.Debian.gz"
  gzip --no-name -9 <"$from/LICENSES-THIRD-PARTY" >"$documents/LICENSES-THIRD-PARTY.gz"
  install -m 644 "$HERE/copyright" "$documents/copyright"
  cat "$from/LICENSE-MIT" >>"$documents/copyright"
  install -D -m 644 "$HERE/lintian-overrides" "$root/usr/share/lintian/overrides/$NAME"
}

debian_changelog() {
  cat <<END
$NAME ($1) stable; urgency=medium

  * See changelog.gz beside this file.

 -- The requires-auth developers <requires-auth@users.noreply.github.com>  $(LC_ALL=C date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")
END
}

describe() {
  local version=$1 root=$2 script
  install -d "$root/DEBIAN"
  sed -e "s/@VERSION@/$version/" -e "s/@SIZE@/$(du --apparent-size -k -s "$root" | cut -f1)/" "$HERE/control" >"$root/DEBIAN/control"
  echo "/etc/$NAME/gateway.toml" >"$root/DEBIAN/conffiles"
  for script in postinst prerm postrm; do
    install -m 755 "$HERE/$script" "$root/DEBIAN/$script"
  done
  (cd "$root" && find usr lib -type f | LC_ALL=C sort | xargs -d '\n' md5sum >DEBIAN/md5sums)
  chmod 644 "$root"/DEBIAN/{control,conffiles,md5sums}
}

main "$@"
