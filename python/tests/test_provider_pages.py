"""The pages of `docs/providers`: what they say to write takes the tokens of the provider's model, and no others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from vectors import Case, request_cases, token_cases

from requires_auth import AuthError, ConfigError, RequiresAuth, _core

ROOT = Path(__file__).parents[2]
PAGES = {page.stem: page for page in sorted((ROOT / "docs" / "providers").glob("*.md")) if page.stem != "README"}
CASES = [*token_cases(), *request_cases()]
ALWAYS_REFUSED = ("S02", "S03", "S04")
"""Rows of what no setting of a page may let in."""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def cases_of(name: str) -> list[Case]:
    setting = name.replace("-", "_")
    return [case for case in CASES if case.config.get("settings", {}).get("provider") == setting]


def test_every_row_has_a_page_tokens_and_a_line_in_the_index() -> None:
    index = (ROOT / "docs" / "providers" / "README.md").read_text("utf-8")
    assert sorted(name.replace("-", "_") for name in PAGES) == sorted(_core.provider_names())
    for name in PAGES:
        assert cases_of(name), name
        assert f"({name}.md)" in index, name
        assert f"`{name.replace('-', '_')}`" in index, name


def outcomes(name: str, make: Callable[[Case], RequiresAuth]) -> dict[str, bool]:
    """Whether each token of the model is accepted by the guard of a page."""
    accepted = {}
    for case in cases_of(name):
        guard = make(case)
        try:
            guard.verify(case.token)
        except AuthError:
            accepted[case.id] = False
        else:
            accepted[case.id] = True
    return accepted


def check(name: str, accepted: dict[str, bool]) -> None:
    assert any(accepted.values()), accepted
    by_id = {case.id: case for case in cases_of(name)}
    rows = _rows()
    for case_id, is_accepted in accepted.items():
        expect = by_id[case_id].expect
        is_wrong = rows[case_id] in ALWAYS_REFUSED and "status" in expect
        assert not (is_wrong and is_accepted), case_id


def _rows() -> dict[str, str]:
    folder = ROOT / "crates" / "requires-auth-testkit" / "vectors"
    files = [json.loads(file.read_text("utf-8")) for file in folder.glob("*-provider-*.json")]
    return {case["id"]: case["row"] for file in files for case in file["cases"]}


@pytest.mark.parametrize("name", PAGES)
def test_python(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    [block] = blocks(PAGES[name], "python")
    original = RequiresAuth.__init__

    def make(case: Case) -> RequiresAuth:
        def init(self: RequiresAuth, *args: Any, **options: Any) -> None:
            original(self, *args, **options, **_of(case))

        monkeypatch.setattr(RequiresAuth, "__init__", init)
        names: dict[str, Any] = {}
        exec(block, names)
        monkeypatch.setattr(RequiresAuth, "__init__", original)
        guard: RequiresAuth = names["auth"]
        return guard

    check(name, outcomes(name, make))


@pytest.mark.parametrize("name", PAGES)
def test_toml(name: str, tmp_path: Path) -> None:
    all_blocks = blocks(PAGES[name], "toml")
    assert all_blocks, name
    file, keys = tmp_path / "auth.toml", tmp_path / "keys.json"
    for place, block in enumerate(all_blocks):
        # The keys are those of the model, wherever the page says that they are.
        text = "\n".join(line for line in block.splitlines() if not line.startswith(("jwks_uri", "fetch_token", "ca ")))
        text = text.replace("[issuers.main]", '[issuers.main]\njwks = "keys.json"')

        def make(case: Case, text: str = text) -> RequiresAuth:
            keys.write_text(json.dumps(case.jwks))
            file.write_text("dangerously_allow_public_test_keys = true\n" + text)
            return RequiresAuth.from_file(file, _now=case.config["now"])

        accepted = outcomes(name, make)
        if place == 0:
            check(name, accepted)


def _of(case: Case) -> dict[str, Any]:
    return {"jwks": case.jwks, "dangerously_allow_public_test_keys": True, "_now": case.config["now"]}


def test_a_constructor_for_every_row() -> None:
    for name in _core.provider_names():
        assert getattr(RequiresAuth, name).__name__ == name
    guard = RequiresAuth.logto("acme", "https://api.example.com")
    assert guard.health()[0]["issuer"] == "https://acme.logto.app/oidc"
    with pytest.raises(ConfigError, match="ends in a slash"):
        RequiresAuth.auth0("https://login.example.com", "https://api.example.com")
    with pytest.raises(ConfigError, match=r"(?s)the name of a provider.*write .logto."):
        RequiresAuth.for_provider("logtoo", "acme", "https://api.example.com")


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRES_AUTH_PROVIDER", "auth0")
    monkeypatch.setenv("REQUIRES_AUTH_ISSUER", "acme.eu")
    monkeypatch.setenv("REQUIRES_AUTH_AUDIENCE", "https://api.example.com")
    guard = RequiresAuth.from_env()
    assert guard.health()[0]["issuer"] == "https://acme.eu.auth0.com/"
