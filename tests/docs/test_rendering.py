"""A page has the same parts on the site as on GitHub, whose Markdown is another one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from blocks import ROOT, pages, read

PARTS = ("h2", "h3", "li", "ol", "pre", "table", "tr", "ul")
MADE = {"docs/reference/python.md"}
"""Pages that have more on the site than in their text."""


def counts(html: str) -> dict[str, int]:
    return {part: len(re.findall(rf"<{part}[ >]", html)) for part in PARTS}


def github(text: str) -> dict[str, int]:
    markdown = pytest.importorskip("markdown_it", reason="GitHub's Markdown needs markdown-it-py (pip)")
    return counts(markdown.MarkdownIt("commonmark").enable("table").render(text))


@pytest.fixture(scope="module")
def places(site: Path) -> dict[str, Path]:
    """The pages of the site, by their paths in the repository."""
    hooks = (ROOT / "scripts" / "site" / "hooks.py").read_text("utf-8")
    project = dict(re.findall(r'"(project/[\w-]+\.md)": "([^"]+)"', hooks))
    sources = {source: uri for uri, source in project.items()}
    uris = {
        page: sources.get(page, page.removeprefix("docs/")) for page in pages() if page in sources or "docs/" in page
    }
    return {page: site / re.sub(r"README\.md$", "index.md", uri).replace(".md", ".html") for page, uri in uris.items()}


def test_every_page_has_its_parts(places: dict[str, Path]) -> None:
    assert len(places) > 60
    wrong = []
    for page, file in places.items():
        html = file.read_text("utf-8")
        found = counts(html[html.index("<article") : html.index("</article>")])
        expected = github(read(page))
        if page not in MADE and found != expected:
            differ = {part: (found[part], expected[part]) for part in PARTS if found[part] != expected[part]}
            wrong.append(f"{page}: on the site and on GitHub: {differ}")
    assert not wrong, "\n".join(wrong)


def test_a_part_that_is_lost_is_seen() -> None:
    assert github("# a\n\n- b\n- c\n")["li"] == 2
    assert github("```rust,ignore\nlet a = 1;\n```\n")["pre"] == 1
    assert counts("<article><ul><li>b</li></ul><pre class='x'></pre></article>")["pre"] == 1
