"""The fenced blocks of the documentation, and its links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

OTHERS = ["CHANGELOG.md"]
"""What is looked at for its links alone: its blocks are of earlier versions."""

READMES = [
    "README.md",
    "CONTRIBUTING.md",
    "ARCHITECTURE.md",
    "SECURITY.md",
    "bench/README.md",
    "crates/requires-auth/README.md",
    "crates/requires-auth-cli/README.md",
    "crates/requires-auth-testkit/README.md",
    "packaging/README.md",
    "python/README.md",
]

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<info>.*)$")
NOT_RUN = re.compile(r"<!-- not run: (?P<reason>.+) -->")


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: str
    line: int
    language: str
    """The first word behind the fence, such as `rust` of `rust,no_run`."""
    options: tuple[str, ...]
    """The other words there."""
    text: str
    not_run: str
    """Why it does not run, as the line before it says; empty if it runs."""

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"


@cache
def pages() -> list[str]:
    """Every page, by its path in the repository."""
    inside = sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md"))
    return [*inside, *READMES]


@cache
def read(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def blocks(*languages: str) -> list[Block]:
    """The blocks of all pages in these languages; without any, all."""
    found = [block for page in pages() for block in parse(page, read(page))]
    return [block for block in found if not languages or block.language in languages]


def parse(page: str, text: str) -> list[Block]:
    """The blocks of a page; one that is not closed is a mistake."""
    found: list[Block] = []
    lines = text.splitlines()
    position = 0
    while position < len(lines):
        opening = FENCE.match(lines[position])
        if not opening:
            position += 1
            continue
        closing = next(
            (
                line
                for line in range(position + 1, len(lines))
                if lines[line].strip().startswith(opening["fence"])
                and not lines[line].strip().strip(opening["fence"][0])
            ),
            None,
        )
        assert closing is not None, f"{page}:{position + 1}: the block is not closed"
        language, *options = re.split(r"[, ]+", opening["info"].strip())
        indent = len(opening["indent"])
        inner = [line[indent:] if not line[:indent].strip() else line for line in lines[position + 1 : closing]]
        reason = NOT_RUN.match(lines[position - 1].strip()) if position else None
        text_of = "\n".join(inner) + "\n"
        found.append(Block(page, position + 1, language, tuple(options), text_of, reason["reason"] if reason else ""))
        position = closing + 1
    return found


def without_blocks(text: str) -> str:
    """The text of a page without its fenced blocks; lines stay where they are."""
    lines = text.splitlines()
    for block in parse("", text):
        end = block.line + len(block.text.splitlines()) + 1
        lines[block.line - 1 : end] = [""] * (end - block.line + 1)
    return "\n".join(lines)
