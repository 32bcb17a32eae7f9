"""What mkdocs cannot do by itself for this site: pages from outside `docs`, and links to the sources.

Pages are written for GitHub, where a link is relative to a file of the repository. On the site, a link to a file that
is a page there goes to that page, and one to any other file to the repository.
"""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]

PROJECT = {
    "project/architecture.md": "ARCHITECTURE.md",
    "project/benchmarks.md": "bench/README.md",
    "project/changelog.md": "CHANGELOG.md",
    "project/command.md": "crates/requires-auth-cli/README.md",
    "project/contributing.md": "CONTRIBUTING.md",
    "project/packaging.md": "packaging/README.md",
    "project/python.md": "python/README.md",
    "project/security.md": "SECURITY.md",
}
"""The pages of the site whose text is a file outside `docs`."""

PICTURES = ROOT / "bench" / "results"
"""The folder of the pictures on them."""

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
HIDDEN = re.compile(r"^#(?: .*)?\n", re.MULTILINE)
"""The lines of a Rust block that rustdoc compiles and does not show."""
RUSTDOC = re.compile(r"^( *```rust),[\w,]+$", re.MULTILINE)
LINK = re.compile(r"(?P<before>\]\(|^\[[^\]]+\]:\s*)(?P<target>[^)\s]+)", re.MULTILINE)

NOT_WRITTEN: list[str] = []
"""The pages that `nav` names and that are not there."""

log = logging.getLogger("mkdocs.hooks.site")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Leaves out of `nav` what is not written yet, and says so."""
    NOT_WRITTEN.clear()
    config.nav = _existing(config.nav or [], NOT_WRITTEN)
    if NOT_WRITTEN:
        log.info("not written yet, and left out of nav: %s", ", ".join(NOT_WRITTEN))
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Adds the pages whose text stands outside `docs`, and their pictures."""
    for uri, source in PROJECT.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / source)))
    for picture in sorted(PICTURES.glob("*.svg")):
        files.append(File.generated(config, f"project/{picture.name}", abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turns the links of a page, which are relative to its file in the repository, into those of the site."""
    source = PROJECT.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def replace(match: re.Match[str]) -> str:
        return match["before"] + _on_site(match["target"], source, page.file.src_uri, config, files)

    pieces = _split_code(markdown)
    return "".join(_shown(text) if is_code else LINK.sub(replace, text) for is_code, text in pieces)


def _shown(block: str) -> str:
    """A block as readers see it: what is for rustdoc is left out, from its lines and from behind its language."""
    if block.lstrip().startswith("```rust"):
        block = RUSTDOC.sub(r"\1", HIDDEN.sub("", block))
    return block


def _existing(entries: list[Any], absent: list[str]) -> list[Any]:
    """The entries of `nav` whose files are there; a group without any goes as well."""
    kept: list[Any] = []
    for entry in entries:
        if isinstance(entry, str):
            if entry in PROJECT or (ROOT / "docs" / entry).is_file():
                kept.append(entry)
            else:
                absent.append(entry)
        else:
            [(title, inner)] = entry.items()
            if isinstance(inner, str):
                kept += [{title: page} for page in _existing([inner], absent)]
            elif inner := _existing(inner, absent):
                kept.append({title: inner})
    return kept


def _split_code(markdown: str) -> list[tuple[bool, str]]:
    """The text in pieces, each with whether it is a fenced block."""
    pieces: list[tuple[bool, str]] = []
    fence = ""
    for line in markdown.splitlines(keepends=True):
        found = FENCE.match(line)
        is_code = bool(fence or found)
        if found and not fence:
            fence = found[1]
        elif found and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        if pieces and pieces[-1][0] == is_code:
            pieces[-1] = (is_code, pieces[-1][1] + line)
        else:
            pieces.append((is_code, line))
    return pieces


def _on_site(target: str, source: str, uri: str, config: MkDocsConfig, files: Files) -> str:
    if re.match(r"[a-z][a-z0-9+.-]*:|#", target):
        return target
    path, hash_mark, anchor = target.partition("#")
    wanted = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    is_planned = wanted.removeprefix("docs/") in NOT_WRITTEN
    if not (ROOT / wanted).exists() and not is_planned:
        return target  # mkdocs says that it is not there
    found = _page_of(wanted, files)
    if found is None:
        kind = "tree" if (ROOT / wanted).is_dir() else "blob"
        return f"{config.extra['sources']}/{kind}/main/{wanted}{hash_mark}{anchor}"
    return posixpath.relpath(found, posixpath.dirname(uri) or ".") + hash_mark + anchor


def _page_of(wanted: str, files: Files) -> str | None:
    """The file of the site that a file of the repository has become; for a folder, its index."""
    by_source = {source: uri for uri, source in PROJECT.items()}
    if wanted.endswith(".svg") and ROOT / wanted == PICTURES / Path(wanted).name:
        return f"project/{Path(wanted).name}"
    for candidate in (wanted, f"{wanted}/README.md", f"{wanted}/index.md"):
        if candidate in by_source:
            return by_source[candidate]
        inside = candidate.removeprefix("docs/")
        if inside != candidate and files.get_file_from_path(inside):
            return inside
    return None
