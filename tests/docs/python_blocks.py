"""Runs a block of Python in a process of its own, which is forked from one that has the frameworks loaded."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import traceback
import types
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 30
"""Seconds that a block may take."""

FRAMEWORKS = (
    "requires_auth",
    "requires_auth.testing",
    "requires_auth.flask",
    "requires_auth.fastapi",
    "flask_cors",
    "fastapi.testclient",
    "django.conf",
    "pytest",
)
SERVERS = {
    "flask": ("Flask.run",),
    "uvicorn": ("run",),
    "aiohttp.web": ("run_app",),
    "quart": ("Quart.run",),
    "hypercorn.asyncio": ("serve",),
}
"""What would never end: it does nothing in a block."""

DJANGO = """
from django.conf import settings
settings.configure(
    ALLOWED_HOSTS=["testserver"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "requires_auth.django"],
    ROOT_URLCONF="page",
)
import django
django.setup()
"""
"""The settings of a project, for a block that is a part of one."""


@dataclass(frozen=True)
class Outcome:
    """How a block has ended."""

    is_right: bool
    said: str
    missing_name: bool
    """Whether it needs something that an earlier block of its page has defined."""


def preload() -> None:
    """Imports the frameworks once. What is not installed shows in the blocks that need it."""
    for name in FRAMEWORKS:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def run(text: str, folder: Path, environment: dict[str, str]) -> Outcome:
    """Runs a block to its end, or its tests if it has some."""
    output = folder / "said.txt"
    output.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        _in_child(text, folder, environment, output)
    _, status = os.waitpid(child, 0)
    said = output.read_text("utf-8", errors="replace") if output.exists() else ""
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGALRM:
        said += f"it has not ended after {PATIENCE} s\n"
    return Outcome(code == 0, said, code == 3)


def _in_child(text: str, folder: Path, environment: dict[str, str], output: Path) -> None:
    code = 1
    try:
        signal.alarm(PATIENCE)
        file = os.open(output, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(file, 1)
        os.dup2(file, 2)
        sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
        sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
        os.chdir(folder)
        os.environ.update(environment)
        sys.path.insert(0, str(folder))
        _silence_servers()
        code = _tests(text) if "\ndef test_" in f"\n{text}" or "\nasync def test_" in text else _block(text)
    except NameError:
        traceback.print_exc()
        code = 3
    except BaseException:  # whatever a block raises is told by the parent
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _block(text: str) -> int:
    if "django" in text or "ninja" in text or "rest_framework" in text:
        exec(DJANGO, {})
    # Frameworks look annotations up in the module of a function.
    page = types.ModuleType("page")
    sys.modules["page"] = page
    exec(compile(text, "page.py", "exec"), page.__dict__)
    return 0


def _tests(text: str) -> int:
    import pytest

    Path("test_page.py").write_text(text)
    # The child is forked from pytest, whose plugins must not see this run.
    return int(pytest.main(["-q", "-p", "no:cacheprovider", "-W", "ignore", "--rootdir", ".", "test_page.py"]))


def _silence_servers() -> None:
    for module, names in SERVERS.items():
        if module not in sys.modules:
            with contextlib.suppress(ImportError):
                importlib.import_module(module)
        for name in names:
            owner, _, attribute = name.rpartition(".")
            target = sys.modules.get(module)
            if target is not None and owner:
                target = getattr(target, owner, None)
            if target is not None:
                setattr(target, attribute, lambda *_, **__: None)
