#!/usr/bin/env bash
# Loads the completions of a command into bash, zsh and fish, and has each complete a word.
#
#   scripts/try-completions.sh COMMAND
#
# Exits 1 where a shell completes something else, and 2 where one is missing.
set -euo pipefail

readonly COMMAND=$1
readonly NAME=requires-auth
readonly WORDS="$NAME ser" EXPECTED=serve

main() {
  local shell found missing=()
  for shell in bash zsh fish; do
    command -v "$shell" >/dev/null || missing+=("$shell")
  done
  if ((${#missing[@]})); then
    echo "scripts/try-completions.sh: missing: ${missing[*]}" >&2
    exit 2
  fi
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  for shell in bash zsh fish; do
    mkdir "$folder/$shell"
    "$COMMAND" completions "$shell" >"$folder/$shell/_$NAME"
    found=$("in_$shell" "$folder/$shell/_$NAME") || found=nothing
    if [[ $found != "$EXPECTED" ]]; then
      echo "$shell completes '$WORDS' with '$found'" >&2
      exit 1
    fi
    echo "ok: $shell completes '$WORDS' with '$found'"
  done
}

in_bash() {
  # shellcheck disable=SC2016 # it is for the other shell
  bash --norc --noprofile -c '
    source "$1"
    function=$(complete -p requires-auth | sed "s/.*-F \([^ ]*\).*/\1/")
    COMP_WORDS=($2) COMP_CWORD=1
    "$function" requires-auth "${COMP_WORDS[1]}" requires-auth
    echo "${COMPREPLY[*]}"' bash "$1" "$WORDS"
}

in_fish() {
  env HOME="$folder" fish --no-config --command "source $1; complete --do-complete '$WORDS'" | cut -f1
}

# zsh completes only on a terminal: the words are typed, and what stands there after the tab is read.
in_zsh() {
  # shellcheck disable=SC2016
  timeout 20 zsh -f -c '
    zmodload zsh/zpty
    zpty shell zsh -f -i
    zpty -w shell "fpath=(${1:h} \$fpath); autoload -Uz compinit; compinit -u -D; PS1=; print IS''READY"
    zpty -r -m shell text "*ISREADY*"
    zpty -w -n shell "$2"$'"'\\t'"'
    zpty -r -m shell text "*requires-auth serve*"
    zpty -d shell
    print -r -- ${${text##*requires-auth }[(w)1]}' zsh "$1" "$WORDS" </dev/null
}

main "$@"
