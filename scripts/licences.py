#!/usr/bin/env python3
"""Prints the licences of everything that is linked into the command, each text once, with the packages that it is for.

scripts/dist.sh puts it beside the command. Needs cargo, and the sources of the packages, which a build has fetched.
Exits 1 where a package has neither a text of its licence nor an expression that names one.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "requires-auth-cli"
TARGET = "x86_64-unknown-linux-gnu"
IS_TEXT = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)

SYSTEM = """\
It contains Rust's standard library, which is under MIT OR Apache-2.0, and parts of the GNU C Library, which is under
the GNU Lesser General Public License, version 2.1 or later: /usr/share/common-licenses/LGPL-2.1 on Debian. The sources
of the command are public, and `scripts/dist.sh` in them links it anew with another version of that library.
"""


def metadata() -> dict:
    """What cargo knows of the packages of the lock file."""
    command = ["cargo", "metadata", "--format-version=1", "--locked", "--offline", f"--filter-platform={TARGET}"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout)


def linked(found: dict) -> list[dict]:
    """The packages that get into the command: no build scripts, no macros, no tests, and not our own."""
    packages = {package["id"]: package for package in found["packages"]}
    nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
    waiting = [name for name, package in packages.items() if package["name"] == COMMAND]
    seen = set(waiting)
    while waiting:
        for dependency in nodes[waiting.pop()]["deps"]:
            name = dependency["pkg"]
            is_linked = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            is_macro = any("proc-macro" in target["kind"] for target in packages[name]["targets"])
            if is_linked and not is_macro and name not in seen:
                seen.add(name)
                waiting.append(name)
    return sorted((packages[name] for name in seen if packages[name]["source"]), key=lambda package: package["name"])


def texts(package: dict) -> list[str]:
    """The files of a package that hold its licence, without white space at the ends of lines."""
    folder = Path(package["manifest_path"]).parent
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and IS_TEXT.match(path.name)]
    lines = [path.read_text(encoding="utf-8", errors="replace").splitlines() for path in files]
    return ["\n".join(line.rstrip() for line in text).strip("\n") for text in lines]


def main() -> int:
    """Prints the list of packages, and then each text."""
    packages = linked(metadata())
    by_text: dict[str, list[str]] = {}
    nameless = []
    print("The command is made of these packages, under these licences:\n")
    for package in packages:
        name = f"{package['name']} {package['version']}"
        expression = package["license"]
        own = texts(package)
        if not expression and not own:
            nameless.append(name)
        print(f"  {name}: {expression or 'see below'}")
        for text in own:
            by_text.setdefault(text, []).append(name)
    print(f"\n{SYSTEM}")
    for text, names in by_text.items():
        print("-" * 100)
        print(f"{', '.join(names)}:\n\n{text}\n")
    for name in nameless:
        print(f"scripts/licences.py: {name} has no licence", file=sys.stderr)
    return 1 if nameless else 0


if __name__ == "__main__":
    sys.exit(main())
