"""The refusals that pages show: a body has the status and the message that the table has for its code and reason."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODES = ROOT / "docs" / "reference" / "codes.md"
BODY = re.compile(r"\{ ?\"code\": ?\"[^{}\n]*\}")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@cache
def known() -> dict[str, tuple[int, str]]:
    """The status and the message of each code, and of each reason, as the reference has them."""
    found: dict[str, tuple[int, str]] = {}
    for name, table in re.findall(r"<!-- begin ([\w-]+) -->\n(.*?)<!-- end", CODES.read_text("utf-8"), re.DOTALL):
        for line in table.splitlines()[2:]:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if name.startswith("reasons"):
                found[cells[0].strip("`")] = (401, cells[1])
            else:
                found[cells[0].strip("`")] = (int(cells[1]), cells[-2])
    return found


def wrong_with(text: str) -> str:
    """What is wrong with a body; empty if nothing is."""
    body = json.loads(text)
    if body["code"] not in known():
        return f"no such code: {body['code']}"
    status, message = known()[body.get("reason", body["code"])] if body.get("reason", "") in {"", *known()} else (0, "")
    if body["code"] == "invalid_token" and "reason" not in body:
        return "the reason is missing"
    if (body.get("status"), body.get("message")) != (status, message):
        return f"expected {status}, {message!r}"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_refusal_is_shown_as_it_is_sent(page: Path) -> None:
    shown = BODY.findall(page.read_text("utf-8"))
    assert [f"{body}: {problem}" for body in shown if (problem := wrong_with(body))] == []


def test_refusals_are_found() -> None:
    shown = [body for page in PAGES for body in BODY.findall(page.read_text("utf-8"))]
    assert len(shown) > 8


@pytest.mark.parametrize(
    "body",
    [
        '{"code": "invalid_tokn", "status": 401, "message": "the token has expired"}',
        '{"code": "invalid_token", "status": 401, "message": "the token has expired"}',
        '{"code": "invalid_token", "status": 403, "message": "the token has expired", "reason": "expired"}',
        '{"code": "invalid_token", "status": 401, "message": "it is too old", "reason": "expired"}',
        '{"code": "invalid_token", "status": 401, "message": "the token has expired", "reason": "expird"}',
        '{"code": "insufficient_scope", "status": 401, "message": "the token lacks a scope that this route needs"}',
    ],
)
def test_a_refusal_that_is_wrong_is_found(body: str) -> None:
    assert wrong_with(body)
