"""What to install where a framework is missing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def needs(package: str, extra: str) -> Generator[None]:
    """Says which extra brings the package if it is not installed.

    Raises:
        ModuleNotFoundError: it is not.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        hint = f"the package {package} is not installed: pip install 'requires-auth[{extra}]'"
        raise ModuleNotFoundError(hint, name=error.name) from None
