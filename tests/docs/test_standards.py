"""The tables of docs/standards.md: each row says what holds it, and what it names is there."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "standards.md"
VECTORS = ROOT / "crates" / "requires-auth-testkit" / "vectors"
COLUMNS = ["section", "asks", "here", "held by"]
STANDARDS = ("RFC 6750", "RFC 8725", "RFC 9068", "RFC 9449", "RFC 9700", "RFC 9728", "RFC 7662", "RFC 8705", "RFC 9470")
NAMED = re.compile(r"`(vector|test):([^`]+)`")


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def rows(text: str) -> list[tuple[str, list[str]]]:
    """Each row of the tables with these columns, with the heading that it stands below."""
    found: list[tuple[str, list[str]]] = []
    heading, inside = "", False
    for line in text.splitlines():
        if line.startswith("## "):
            heading, inside = line[3:], False
        elif not line.startswith("|"):
            inside = False
        elif cells(line) == COLUMNS:
            inside = True
        elif inside and not set(line) <= set("|- "):
            found.append((heading, cells(line)))
    return found


@cache
def vector_rows() -> frozenset[str]:
    """The rows that have a case."""
    cases = (json.loads(path.read_text("utf-8")).get("cases", []) for path in VECTORS.glob("*.json"))
    return frozenset(case["row"] for file in cases for case in file)


def is_test(name: str) -> bool:
    """Whether a file has tests, or with `::NAME` that test."""
    path, _, function = name.partition("::")
    file = ROOT / path
    if not file.is_file():
        return False
    text = file.read_text("utf-8")
    if function and path.endswith(".rs"):
        marked = r"^ *#\[(tokio::)?test\b[^\n]*\n( *#\[[^\n]*\n)*"
        return re.search(rf"{marked} *(async )?fn {function}\(", text, re.M) is not None
    if function:
        return re.search(rf"^(async )?def {function}\(", text, re.M) is not None
    return "#[test]" in text or "#[tokio::test" in text or "def test_" in text


def mistakes(text: str, known: frozenset[str]) -> list[str]:
    """What is wrong with the tables of a page."""
    wrong = []
    for heading, row in rows(text):
        where = f"{heading}: {row[0]}"
        if len(row) != len(COLUMNS) or not all(row):
            wrong.append(f"{where}: a cell is missing, or there is one too many")
            continue
        held = row[-1]
        named = NAMED.findall(held)
        rest = NAMED.sub("", held).strip()
        if rest and (named or not rest.startswith("n/a: ")):
            wrong.append(f"{where}: {rest!r} names nothing")
        if not named and not rest:
            wrong.append(f"{where}: nothing holds it")
        wrong += [
            f"{where}: no vector has the row {name}" for kind, name in named if kind == "vector" and name not in known
        ]
        wrong += [f"{where}: no such test: {name}" for kind, name in named if kind == "test" and not is_test(name)]
    return wrong


def test_what_the_tables_name_is_there() -> None:
    assert mistakes(PAGE.read_text("utf-8"), vector_rows()) == []


def sources() -> list[tuple[str, str, str]]:
    """Each row of the vectors with the number of an RFC of these tables that it has as its source, and the section."""
    numbers = set(re.findall(r"\d{4}", " ".join(heading for heading, _ in rows(PAGE.read_text("utf-8")))))
    found = []
    for name, source in re.findall(
        r"^\| ([A-Z]\d\d) \| (.*?) \|", (VECTORS / "README.md").read_text("utf-8"), re.MULTILINE
    ):
        number = ""
        for part in source.split(", "):
            if named := re.match(r"RFC (\d+) ", part):
                number = named[1]
            if number in numbers and (section := re.search(r"§[\d.]+", part)):
                found.append((name, number, section[0]))
    return found


def is_named(text: str, name: str, number: str, section: str) -> bool:
    """Whether the table of a standard names a row of the vectors in a row of this section."""
    return any(
        number in heading and section in re.findall(r"§[\d.]+", row[0]) and f"`vector:{name}`" in row[-1]
        for heading, row in rows(text)
    )


def test_the_sections_that_vectors_have_as_their_source_are_there() -> None:
    text, found = PAGE.read_text("utf-8"), sources()
    assert len(found) > 80
    assert [source for source in found if not is_named(text, *source)] == []
    assert not is_named(text.replace("`vector:A01`", "`vector:A02`"), "A01", "6750", "§2.1")


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/**/*.md")), ids=lambda page: str(page.relative_to(ROOT)))
def test_what_another_page_names_is_there(page: Path) -> None:
    named = NAMED.findall(page.read_text("utf-8"))
    examples = {"FILE"}  # how a name is written, on the page that explains it
    missing = [name for kind, name in named if not (name in vector_rows() if kind == "vector" else is_test(name))]
    assert set(missing) <= examples


def test_each_standard_has_its_table() -> None:
    headings = [heading for heading, _ in rows(PAGE.read_text("utf-8"))]
    for standard in STANDARDS:
        assert sum(heading.startswith(standard) for heading in headings) >= 3, standard


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ("`vector:A99`", "no vector has the row A99"),
        ("`test:crates/requires-auth/tests/no_such_file.rs`", "no such test"),
        ("`test:crates/requires-auth/tests/dpop.rs::no_such_test`", "no such test"),
        ("`test:crates/requires-auth/tests/dpop.rs::builder`", "no such test"),
        ("`test:docs/standards.md`", "no such test"),
        ("we are careful", "names nothing"),
        ("`vector:A01` and so on", "names nothing"),
        ("", "a cell is missing"),
    ],
)
def test_a_row_that_nothing_holds_is_found(held: str, told: str) -> None:
    table = f"## RFC 0\n\n| {' | '.join(COLUMNS)} |\n| --- | --- | --- | --- |\n| §1 | a | yes | {held} |\n"
    found = mistakes(table, vector_rows())
    assert len(found) == 1, found
    assert told in found[0]


def test_a_row_that_says_why_there_is_nothing_to_test_is_taken() -> None:
    table = f"## RFC 0\n\n| {' | '.join(COLUMNS)} |\n| --- | --- | --- | --- |\n| §1 | a | **no** | n/a: not read |\n"
    assert mistakes(table, vector_rows()) == []
