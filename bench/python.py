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

from environment import BENCH, arguments, provide


def main() -> None:
    """Installs what is missing, then becomes the program that measures."""
    folder, options = arguments(__doc__)
    python = provide("bench-python", "python-requirements.txt")
    provide_wrk()
    os.execv(python, [str(python), str(BENCH / "python"), folder, *options])


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
