"""What the scripts beside this share: their arguments, and a virtual environment to measure in."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent


def arguments(usage: str) -> tuple[str, list[str]]:
    """The folder for the results and the options of a script. What it cannot have meant ends it, with its usage."""
    options = [argument for argument in sys.argv[1:] if argument.startswith("-")]
    folders = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    if len(folders) > 1 or options not in ([], ["--quick"]):
        print(usage)
        sys.exit(0 if options in (["-h"], ["--help"]) else 2)
    return folders[0] if folders else str(BENCH / ("target/quick" if options else "results")), options


def provide(name: str, requirements: str) -> Path:
    """A Python in target/NAME that has the packages of bench/REQUIREMENTS, and ours as it is in the working tree."""
    environment = ROOT / "target" / name
    python = environment / "bin" / "python"
    if not python.exists():
        venv.create(environment, with_pip=True)
    print(f"installing with pip into {environment}: bench/{requirements}, and ./python", file=sys.stderr)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", str(BENCH / requirements)], check=True)
    subprocess.run([*pip, "--force-reinstall", "--no-deps", str(ROOT / "python")], check=True)
    return python
