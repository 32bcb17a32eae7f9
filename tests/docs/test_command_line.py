"""`docs/reference/command-line.md` says what `requires-auth --help` says, for every command."""

from __future__ import annotations

import os
import re
import subprocess

from blocks import ROOT

PAGE = ROOT / "docs" / "reference" / "command-line.md"
BEGIN, END = "<!-- begin commands -->\n", "<!-- end commands -->\n"
WRITE = "WRITE_REFERENCE"
"""The variable with which the page is written instead of compared, as for the other pages of reference."""


def help_of(command: str, *names: str) -> str:
    """What a command says of itself; nothing of this machine is in it."""
    environment = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run([command, *names, "--help"], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def commands_in(text: str) -> list[str]:
    """The commands that a help lists."""
    listed = re.search(r"^Commands:\n((?:  .*\n)+)", text, re.MULTILINE)
    names = re.findall(r"^  ([a-z-]+)", listed[1], re.MULTILINE) if listed else []
    return [name for name in names if name != "help"]


def everything(command: str, *names: str) -> list[tuple[tuple[str, ...], str]]:
    """Each command with its help, in order; those of a command behind it."""
    text = help_of(command, *names)
    inner = [found for name in commands_in(text) for found in everything(command, *names, name)]
    return [(names, text), *inner]


def written(command: str) -> str:
    """The part of the page that is made."""
    parts = []
    for names, text in everything(command):
        about, usage, rest = text.partition("\nUsage: ")
        title = " ".join(["requires-auth", *names])
        about = re.sub(r"\s*\n\s*", " ", about).strip()
        parts.append(f"## `{title}`\n\n{about}.\n\n```text\n{(usage + rest).strip()}\n```\n")
    return "\n".join(parts)


def test_the_page_is_what_the_command_says(command: str) -> None:
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    right = f"{before}{BEGIN}\n{written(command)}\n{END}{after}"
    if os.environ.get(WRITE):
        PAGE.write_text(right)
        return
    assert text == right, f"write it anew: {WRITE}=1 REQUIRES_AUTH_BIN=... pytest tests/docs/test_command_line.py"


def test_commands_are_found() -> None:
    text = "Usage: a\n\nCommands:\n  check  Check a file\n         in two lines\n  help   Print\n\nOptions:\n  -h\n"
    assert commands_in(text) == ["check"]
    assert commands_in("Usage: a\n\nOptions:\n  -h\n") == []
