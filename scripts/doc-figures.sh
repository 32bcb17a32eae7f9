#!/usr/bin/env bash
# Prints how much of the library's source is documentation, and how many examples it has.
#
#   scripts/doc-figures.sh           the figures of the library and of the testkit
#   scripts/doc-figures.sh --files   one line for each file, the least documented first
#   scripts/doc-figures.sh --check   exits 1 below 25 % doc comments or 80 examples of the library
#
# A line counts as documentation when it is a doc comment (`///`, `//!`). Unit tests do not count on either side.
# An example is a fenced Rust block in a doc comment; `no_run` ones are counted apart, as they only compile.
set -euo pipefail
cd "$(dirname "$0")/.."

# Reads source files; writes, for each: lines, doc lines, examples that run, examples that only compile, name.
figures() {
  find "$1" -name '*.rs' ! -name '*tests.rs' ! -name 'fuzzing.rs' -print0 | sort -z | xargs -0 awk '
    function flush_file() { if (name != "") print lines, docs, runs, compiles, name }
    FNR == 1 { flush_file(); name = FILENAME; lines = docs = runs = compiles = 0; in_tests = in_block = 0 }
    /^ *#\[cfg\(test\)\]/ { pending = 1; next }
    pending { pending = 0; if ($0 ~ /^mod tests \{/) in_tests = 1 }
    in_tests { next }
    { lines++ }
    /^ *\/\/[\/!]/ {
      docs++
      if ($0 ~ /^ *\/\/[\/!] ?```/) {
        if (in_block) { in_block = 0 }
        else {
          in_block = 1
          if ($0 ~ /```no_run/) compiles++
          else if ($0 ~ /```(compile_fail|should_panic)?(,|$)/ || $0 ~ /```$/) runs++
        }
      }
    }
    END { flush_file() }'
}

total() {
  figures "$1" | awk -v name="$2" '{ lines += $1; docs += $2; runs += $3; compiles += $4 }
    END { printf "%s: %d lines, %d of doc comments (%.1f %%), %d examples that run, %d that only compile\n",
      name, lines, docs, 100 * docs / lines, runs, compiles }'
}

library=crates/requires-auth/src
case "${1:-}" in
  --files) figures "$library" | awk '{ printf "%5.1f %% %5d lines %3d examples  %s\n", 100 * $2 / $1, $1, $3 + $4, $5 }' | sort -n ;;
  --check)
    total "$library" library
    figures "$library" | awk '{ lines += $1; docs += $2; runs += $3 } END { exit !(4 * docs >= lines && runs >= 80) }' ;;
  "") total "$library" library; total crates/requires-auth-testkit/src testkit ;;
  *) sed -n '2,/^set /p' "$0" | sed '$d; s/^# \{0,1\}//' >&2; exit 2 ;;
esac
