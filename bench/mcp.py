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

from environment import BENCH, arguments, provide


def main() -> None:
    """Installs what is missing, then becomes the program that measures."""
    folder, options = arguments(__doc__)
    python = provide("bench-mcp", "mcp-requirements.txt")
    os.execv(python, [str(python), str(BENCH / "python" / "mcp_calls.py"), folder, *options])


if __name__ == "__main__":
    main()
