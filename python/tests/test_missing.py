"""What is said where the framework of an adapter is not installed."""

from __future__ import annotations

import sys
from importlib import import_module

import pytest

from requires_auth._missing import needs


@pytest.mark.parametrize(
    ("module", "package", "extra"),
    [
        ("requires_auth.flask", "flask", "flask"),
        ("requires_auth.fastapi", "fastapi", "fastapi"),
        ("requires_auth.aiohttp", "aiohttp", "aiohttp"),
        ("requires_auth.quart", "quart", "quart"),
        ("requires_auth.litestar", "litestar", "litestar"),
    ],
)
def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, module: str, package: str, extra: str) -> None:
    for name in [name for name in sys.modules if name == package or name.startswith((f"{package}.", module))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModuleNotFoundError, match=rf"pip install 'requires-auth\[{extra}\]'"):
        import_module(module)


def test_what_is_missing_elsewhere_is_told_as_it_is() -> None:
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_module'"), needs("flask", "flask"):
        import_module("no_such_module")
