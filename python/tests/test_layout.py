"""ARCHITECTURE.md maps every module of the package."""

from __future__ import annotations

from pathlib import Path

import pytest

PYTHON = Path(__file__).parent.parent
MAP = (PYTHON.parent / "ARCHITECTURE.md").read_text().split("### The Python package")[1].split("\n## ")[0]


@pytest.mark.parametrize(("folder", "suffix"), [("src", ".rs"), ("requires_auth", ".py")])
def test_the_architecture_names_every_module(folder: str, suffix: str) -> None:
    modules = {path.stem for path in (PYTHON / folder).glob(f"*{suffix}")} - {"lib", "__init__"}
    assert {module for module in modules if f"`{module}`" not in MAP} == set()
    assert len(modules) > 10


def test_what_adapters_share_knows_no_framework() -> None:
    frameworks = ("flask", "starlette", "fastapi", "django", "werkzeug", "aiohttp", "quart", "litestar", "channels")
    for path in (PYTHON / "requires_auth").glob("_*.py"):
        if path.name.startswith(("_flask", "_fastapi", "_mcp", "_aiohttp", "_quart", "_litestar")):
            continue
        imports = [
            line.split() for line in path.read_text().splitlines() if line.lstrip().startswith(("import ", "from "))
        ]
        assert not [words for words in imports if words[1].split(".")[0] in frameworks], path.name
