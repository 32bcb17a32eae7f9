#!/usr/bin/env python3
"""Measures the Python package beside its peers, prints the tables and writes python.md and python.json.

    python3 bench/python.py [FOLDER]    everything: some minutes, on a machine with nothing else to do
    python3 bench/python.py --quick     less of everything, to bench/target/quick: only to see that it runs

FOLDER is bench/results unless it is given. This file makes a virtual environment in target/bench-python, installs
the peers of bench/python-requirements.txt and a release wheel of ./python there with pip (which needs Rust), and wrk
with apt if it is missing; then it runs bench/python in it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
ENVIRONMENT = ROOT / "target" / "bench-python"


def main() -> None:
    """Installs what is missing, then becomes the program that measures."""
    options = [argument for argument in sys.argv[1:] if argument.startswith("-")]
    folders = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    if len(folders) > 1 or options not in ([], ["--quick"]):
        print(__doc__)
        sys.exit(0 if options in (["-h"], ["--help"]) else 2)
    folder = folders[0] if folders else str(BENCH / ("target/quick" if options else "results"))
    python = provide_packages()
    provide_wrk()
    os.execv(python, [str(python), str(BENCH / "python"), folder, *options])


def provide_packages() -> Path:
    """A Python that has the peers, and the package as it is in the working tree."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    print(f"installing with pip into {ENVIRONMENT}: bench/python-requirements.txt, and ./python", file=sys.stderr)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", str(BENCH / "python-requirements.txt")], check=True)
    subprocess.run([*pip, "--force-reinstall", "--no-deps", str(ROOT / "python")], check=True)
    return python


def provide_wrk() -> None:
    """Without wrk the routes are not measured, and the table says so."""
    if shutil.which("wrk") or not shutil.which("apt-get"):
        return
    apt = ["apt-get", "-qq"] if os.geteuid() == 0 else ["sudo", "-n", "apt-get", "-qq"]
    print("installing with apt-get: wrk", file=sys.stderr)
    for command in (["update"], ["install", "-y", "--no-install-recommends", "wrk"]):
        subprocess.run([*apt, *command], check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
