"""Measures, prints the tables and writes them. Meant to be started by bench/python.py."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path

import report
import routes
import threads
import verify


def main(folder: Path, quick: bool) -> None:
    """Writes `python.md` and `python.json` into the folder."""
    machine = report.machine(quick)
    # Each verifier is first shown tokens that it has to refuse.
    logging.getLogger("requires_auth").setLevel(logging.CRITICAL)
    columns = [verify.measure(algorithm, quick) for algorithm in verify.ALGORITHMS]
    scaling = threads.measure(quick)
    served = routes.measure(quick)
    table = report.table(machine, columns, scaling, served)
    measured = {
        "machine": machine,
        "verify": [asdict(column) for column in columns],
        "threads": [asdict(one) for one in scaling],
        "routes": [asdict(server) for server in served],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "python.md").write_text(table)
    (folder / "python.json").write_text(json.dumps(measured, indent=2) + "\n")
    print(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]), "--quick" in sys.argv)
