"""The tables."""

from __future__ import annotations

import os
import platform
import re
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from routes import Served
    from threads import Scaling
    from verify import Cell, Column

PACKAGES = (
    "python-jose",
    "PyJWT",
    "joserfc",
    "Authlib",
    "ryjwt",
    "oxyjwt",
    "cryptography",
    "Flask",
    "FastAPI",
    "Django",
)


def machine(quick: bool, script: str = "bench/python.py", packages: Sequence[str] = PACKAGES) -> str:
    """What was measured where, in a line."""
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    now = datetime.now(timezone.utc)
    return (
        f"`python3 {script}{' --quick' if quick else ''}`, {now:%Y-%m-%d}: "
        f"{processor[1] if processor else platform.machine()}, {os.cpu_count()} cores, "
        f"Linux {platform.release()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.2f} at the start. "
        f"{', '.join(f'{name} {installed(name)}' for name in packages)}."
    )


def installed(name: str) -> str:
    """The version of a package; ryjwt has none for an older Python."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "(none for this Python)"


def table(machine: str, columns: Sequence[Column], scaling: Sequence[Scaling], served: Sequence[Served]) -> str:
    """All tables, as Markdown."""
    parts = [
        machine,
        "### Held to",
        held_to(columns, scaling, served),
        "### Verification",
        "One token, in microseconds of the processor, and times the fastest peer of the column.",
        verification(columns),
        "### Two threads beside one",
        "With ES384; each thread stays on a core of its own.",
        rows(
            ("", "calls a second, 1 thread", "2 threads"),
            ((s.name, f"{s.one:.0f}", f"{s.ratio:.3f}×") for s in scaling),
        ),
        "### Routes under wrk",
        "Eight connections, one token; the server has one core, wrk the other.",
        routes(served),
    ]
    return "\n\n".join(parts) + "\n"


def held_to(columns: Sequence[Column], scaling: Sequence[Scaling], served: Sequence[Served]) -> str:
    """The figures that have a limit."""
    figures: list[tuple[str, float | None, float, bool]] = []
    for column in columns:
        cold = cell(column, "requires-auth, cold")
        figures.append((f"{column.algorithm}, cold / fastest peer ({column.fastest})", cold.to_fastest, 1.05, True))
    for column in columns:
        warm = cell(column, "requires-auth, warm")
        figures.append((f"{column.algorithm}, warm, µs", warm.micros, 1.0, True))
    ratios = {one.name: one.ratio for one in scaling}
    figures.append(("ES384, cold: 2 threads / 1", ratios.get("requires-auth, cold"), 1.8, False))
    by_id = {one.key: one for one in served}
    figures.append(("Flask, guarded / open", by_id["flask"].to_open, 0.95, False))
    figures.append(("FastAPI, guarded / a dependency that does nothing", by_id["fastapi"].to_depends, 0.95, False))
    return rows(("figure", "measured", "limit", ""), (judged(*figure) for figure in figures))


def judged(name: str, measured: float | None, limit: float, at_most: bool) -> tuple[str, str, str, str]:
    """A row of the first table."""
    words = f"at {'most' if at_most else 'least'} {limit:.2f}"
    if measured is None:
        return name, "not measured", words, "**misses**"
    holds = measured <= limit if at_most else measured >= limit
    return name, f"{measured:.3f}", words, "holds" if holds else "**misses**"


def cell(column: Column, name: str) -> Cell:
    """A verifier of a column."""
    return next(one for one in column.cells if one.name == name)


def verification(columns: Sequence[Column]) -> str:
    """A row for each verifier."""
    names = [one.name for one in columns[0].cells]

    def text(column: Column, name: str) -> str:
        one = cell(column, name)
        return one.why or f"{one.micros:.2f} ({one.to_fastest:.3f}×)"

    body = [(name, *(text(column, name) for column in columns)) for name in names]
    body.append(("bytes of the token", *(str(column.token_bytes) for column in columns)))
    return rows(("", *(column.algorithm for column in columns)), body)


def routes(served: Sequence[Served]) -> str:
    """A row for each server."""

    def number(value: float | None) -> str:
        return "" if value is None else f"{value:.0f}"

    def ratio(value: float | None) -> str:
        return "" if value is None else f"{value:.3f}"

    head = ("requests a second", "open", "empty dependency", "guarded", "× open", "× empty dependency")
    body = [
        (
            one.name,
            one.why or number(one.rates.get("open")),
            number(one.rates.get("depends")),
            number(one.rates.get("guarded")),
            ratio(one.to_open),
            ratio(one.to_depends),
        )
        for one in served
    ]
    return rows(head, body)


def rows(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """A table whose columns are as wide as they must be."""
    lines = [list(head), *(list(row) for row in body)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    texts = [" | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines]
    texts.insert(1, " | ".join("-" * width for width in widths))
    return "\n".join(f"| {text} |" for text in texts)
