"""Every relative link of the documentation leads somewhere, and every anchor is a heading."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from functools import cache
from urllib.parse import urlsplit

import pytest
from blocks import OTHERS, ROOT, pages, read, without_blocks

SCRIPTS = [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("tests/*/README.md"))]
LINKED = sorted({*pages(), *OTHERS, *SCRIPTS})

LINK = re.compile(
    r"(?<!\\)!?\[(?:[^\[\]]|\[[^\]]*\])*\]\((?P<inline>[^)\s]+)(?:\s+\"[^\"]*\")?\)|^\[[^\]]+\]:\s*(?P<below>\S+)", re.M
)
HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$", re.MULTILINE)


def links(text: str) -> list[str]:
    """The targets of the links of a page."""
    plain = re.sub(r"`[^`\n]*`", "", without_blocks(text))
    # A link whose text is code has lost its text, and is still a link.
    return [found["inline"] or found["below"] for found in LINK.finditer(plain)]


@cache
def anchors(page: str) -> frozenset[str]:
    """The anchors of a page, as GitHub and the site make them of its headings."""
    found: Counter[str] = Counter()
    names = set(re.findall(r'<a (?:id|name)="([^"]+)"', read(page)))
    for _, heading in HEADING.findall(without_blocks(read(page))):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")
        names.add(slug if not found[slug] else f"{slug}-{found[slug]}")
        found[slug] += 1
    return frozenset(names)


@cache
def in_nav() -> frozenset[str]:
    """The pages that the navigation of the site names, by their paths in the repository."""
    _, _, nav = read("mkdocs.yml").partition("\nnav:")
    return frozenset(f"docs/{page}" for page in re.findall(r"- (?:.*: )?([\w./-]+\.md)", nav))


def planned() -> frozenset[str]:
    """The pages that are named there and not written yet."""
    return frozenset(page for page in in_nav() if not (ROOT / page).exists() and not page.startswith("docs/project/"))


def wrong_with(page: str, target: str) -> str:
    """What is wrong with a link; empty if nothing is."""
    parts = urlsplit(target)
    if parts.scheme:
        is_right = parts.scheme == "mailto" or (
            parts.scheme in {"http", "https"} and parts.netloc and " " not in target
        )
        return "" if is_right else "not a URL"
    if target.startswith("/"):
        return "relative to nothing: write it relative to this page"
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), parts.path)) if parts.path else page
    if not (ROOT / path).exists() or path.startswith(".."):
        return "" if path in planned() else "no such file"
    if not parts.fragment:
        return ""
    if not path.endswith(".md"):
        return "" if re.fullmatch(r"L\d+(-L\d+)?", parts.fragment) else "an anchor in what is not a page"
    return "" if parts.fragment in anchors(path) else f"no such heading: {sorted(anchors(path))}"


@pytest.mark.parametrize("page", LINKED)
def test_links(page: str, counts: Counter[str]) -> None:
    found = links(read(page))
    wrong = [f"{page}: {target}: {problem}" for target in found if (problem := wrong_with(page, target))]
    assert not wrong, "\n".join(wrong)
    counts["links checked"] += len(found)


def test_a_link_that_is_wrong_is_found() -> None:
    page = "docs/mcp.md"
    assert links("[a](b.md), [`c`](d.md#e) and `[f](g.md)`\n\n```sh\n[h](i.md)\n```\n[j]: k.md\n") == [
        "b.md",
        "d.md#e",
        "k.md",
    ]
    assert not wrong_with(page, "dpop.md#nonces")
    assert wrong_with(page, "absent.md") == "no such file"
    assert "no such heading" in wrong_with(page, "dpop.md#absent")
    assert wrong_with(page, "http//example.com")
    assert wrong_with(page, "https://")


def test_every_page_can_be_reached() -> None:
    """From the start page, by links or by the navigation of the site."""
    for page in pages():
        if page.startswith("docs/"):
            assert page in in_nav(), f"{page} is not in nav of mkdocs.yml"
