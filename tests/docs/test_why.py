"""The pages of `docs/why`: an entry for every reason, whose token is refused for it, and vectors that hold it."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
import shell
from blocks import ROOT, Block, parse, read

FOLDER = ROOT / "docs" / "why"
INDEX = "docs/why/index.md"
PAGES = sorted(f"docs/why/{page.name}" for page in FOLDER.glob("*.md") if page.name != "index.md")
VECTORS = ROOT / "crates" / "requires-auth-testkit" / "vectors"
STEPS = ROOT / "crates" / "requires-auth" / "src" / "verify" / "trace.rs"

OF_POLICIES = {"insufficient_scope", "access_denied", "insufficient_user_authentication"}
"""Codes that a policy refuses with: they have no reason."""


def entries() -> dict[str, tuple[str, str]]:
    """Each entry by its name, with its page and its text."""
    found: dict[str, tuple[str, str]] = {}
    for page in PAGES:
        for part in re.split(r"^## ", read(page), flags=re.MULTILINE)[1:]:
            name = part[: part.index("\n")].strip("`")
            assert name not in found, f"{name} has two entries"
            found[name] = (page, part)
    return found


def reasons() -> set[str]:
    """The reasons of the table, which a test of the library holds this page against."""
    tables = re.findall(r"<!-- begin reasons[a-z-]* -->\n(.*?)<!-- end", read("docs/reference/codes.md"), re.DOTALL)
    assert len(tables) == 2
    return {name for table in tables for name in re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)}


@cache
def refusals() -> set[tuple[str, str]]:
    """The rows of the vectors, each with what its cases are refused for."""
    cases = [case for file in VECTORS.glob("*.json") for case in json.loads(file.read_text("utf-8")).get("cases", [])]
    return {
        (case["row"], name)
        for case in cases
        if isinstance(case.get("expect"), dict)
        for name in (case["expect"].get("reason"), case["expect"].get("error"), case["expect"].get("code"))
        if name
    }


def test_every_reason_has_an_entry_and_every_entry_a_reason() -> None:
    assert set(entries()) == reasons() | OF_POLICIES
    assert len(reasons()) > 20


@pytest.mark.parametrize("name", sorted(entries()))
def test_an_entry_is_whole(name: str) -> None:
    page, text = entries()[name]
    assert "**The rule:**" in text, page
    assert "**What it stops:**" in text, page
    assert re.search(r"RFC \d{4} §", text), "the section of a standard"
    assert parse(page, text), "a token to try"


@pytest.mark.parametrize("name", sorted(entries()))
def test_the_vectors_of_an_entry_are_refused_for_it(name: str) -> None:
    _, text = entries()[name]
    held = text.partition("**What holds it:**")[2]
    rows = re.findall(r"\b[A-Z]\d\d\b", held)
    assert rows, "no vector"
    assert [row for row in rows if (row, name) not in refusals()] == []


def test_a_vector_that_shows_something_else_is_found() -> None:
    assert ("D04", "expired") in refusals()
    assert ("D04", "audience_mismatch") not in refusals()


def shown(name: str) -> tuple[Block, list[str]] | None:
    """The commands of an entry, and the lines that they print."""
    page, text = entries()[name]
    found = parse(page, text)
    commands = [block for block in found if block.language == "sh"]
    if not commands:
        return None
    [lines] = [block.text.splitlines() for block in found if block.language == "text"]
    return commands[0], lines


@pytest.mark.parametrize("name", [name for name in sorted(entries()) if shown(name)])
def test_the_token_of_an_entry_is_refused_for_it(
    name: str, command: str, issuer: shell.Issuer, tmp_path: Path, counts: Counter[str]
) -> None:
    found = shown(name)
    assert found
    block, lines = found
    assert lines[-1].startswith("refused: ")
    assert name in lines[-1]
    done = shell.run(block, command, issuer, tmp_path)
    if "auth.issuer_unavailable" in done.said:  # a busy machine: the keys have not come in time
        done = shell.run(block, command, issuer, tmp_path)
    assert done.wrong == []
    printed = [line.strip() for line in done.said.splitlines()]
    assert [line for line in lines if line not in printed] == [], done.said
    counts["tokens refused as docs/why says"] += 1


def test_an_entry_without_commands_runs_as_python_or_is_a_configuration() -> None:
    for name, (page, text) in entries().items():
        if not shown(name):
            [block] = parse(page, text)
            assert block.language in {"python", "toml"}, name
            assert "def test_" in block.text or "[[tests]]" in block.text, name


def test_the_table_has_every_check_in_order() -> None:
    text = STEPS.read_text("utf-8")
    body = text[text.index("fn as_str") :]
    steps = re.findall(r'Self::\w+ => "(\w+)"', body[: body.index("\n    }\n")])
    assert len(steps) > 30
    assert re.findall(r"^\| `(\w+)` \|", read(INDEX), re.MULTILINE) == steps


def test_the_table_names_every_entry() -> None:
    linked = set(re.findall(r"\[`(\w+)`\]\((\w+)\.md#(\w+)\)", read(INDEX)))
    assert {(name, f"docs/why/{page}.md") for name, page, _ in linked} == {
        (name, page) for name, (page, _) in entries().items()
    }
    assert all(name == anchor for name, _, anchor in linked)
