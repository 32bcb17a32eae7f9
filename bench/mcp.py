#!/usr/bin/env python3
"""Measures what a guard adds to an MCP call, prints the tables and writes mcp.md and mcp.json.

    python3 bench/mcp.py [FOLDER]    everything: a minute, on a machine with nothing else to do
    python3 bench/mcp.py --quick     less of everything, to bench/target/quick: only to see that it runs

FOLDER is bench/results unless it is given. Exits 1 if a figure misses its limit, but for --quick. This file makes a
virtual environment in target/bench-mcp, installs the package mcp of bench/mcp-requirements.txt and a release wheel of
./python there with pip (which needs Rust); then it runs bench/python/mcp_calls.py in it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
ENVIRONMENT = ROOT / "target" / "bench-mcp"


def main() -> None:
    """Installs what is missing, then becomes the program that measures."""
    options = [argument for argument in sys.argv[1:] if argument.startswith("-")]
    folders = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    if len(folders) > 1 or options not in ([], ["--quick"]):
        print(__doc__)
        sys.exit(0 if options in (["-h"], ["--help"]) else 2)
    folder = folders[0] if folders else str(BENCH / ("target/quick" if options else "results"))
    python = provide_packages()
    os.execv(python, [str(python), str(BENCH / "python" / "mcp_calls.py"), folder, *options])


def provide_packages() -> Path:
    """A Python that has the package mcp, and ours as it is in the working tree."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    print(f"installing with pip into {ENVIRONMENT}: bench/mcp-requirements.txt, and ./python", file=sys.stderr)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", str(BENCH / "mcp-requirements.txt")], check=True)
    subprocess.run([*pip, "--force-reinstall", "--no-deps", str(ROOT / "python")], check=True)
    return python


if __name__ == "__main__":
    main()
