"""What the tests of the documentation share, and the counts that a run ends with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import shell

ROOT = Path(__file__).resolve().parents[2]
COUNTS: Counter[str] = Counter()
"""What was looked at, for the last lines of a run."""
NOT_RUN: list[str] = []
"""The blocks that do not run, each with its reason."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", action="store_true", help="write the pictures of docs/images anew")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in NOT_RUN:
        terminalreporter.write_line(f"not run: {line}")
    if COUNTS:
        terminalreporter.write_line(", ".join(f"{count} {what}" for what, count in sorted(COUNTS.items())))


@pytest.fixture(scope="session")
def counts() -> Counter[str]:
    return COUNTS


@pytest.fixture(scope="session")
def site() -> Path:
    """The site, built; `scripts/docs.sh` fails at a broken link, and so does this."""
    if folder := os.environ.get("REQUIRES_AUTH_SITE"):
        return Path(folder)
    done = subprocess.run([ROOT / "scripts/docs.sh"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / "target" / "site"


@pytest.fixture(scope="session")
def command() -> str:
    """The command under test."""
    command = os.environ.get("REQUIRES_AUTH_BIN") or str(ROOT / "target" / "debug" / "requires-auth")
    if not shutil.which(command):
        pytest.fail(f"{command} is not there: build it, or name it in REQUIRES_AUTH_BIN")
    return str(Path(command).resolve())


@pytest.fixture(scope="session")
def issuer(command: str) -> Iterator[shell.Issuer]:
    """A development issuer, for the blocks that ask one."""
    with subprocess.Popen(
        [command, "issuer", "--port", "0", "--output", "json"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        told = json.loads(process.stdout.readline())
        with urllib.request.urlopen(f"{told['issuer']}/jwks", timeout=10) as answer:
            keys = answer.read().decode()
        yield shell.Issuer(told["issuer"], "https://api.example.com", keys)
        process.terminate()
