"""`RequiresAuth.from_file`: the same file as in Rust."""

from __future__ import annotations

from pathlib import Path

import pytest

from requires_auth import AlgorithmNotAllowed, ConfigError, Issuer, RequiresAuth, TokenExpired
from requires_auth._core import TestIssuer


def write(folder: Path, text: str) -> Path:
    path = folder / "auth.toml"
    path.write_text(text)
    return path


def issuer_table(issuer: TestIssuer) -> str:
    return f'[issuers.main]\nissuer = "{issuer.issuer}"\naudience = "{issuer.audience}"\njwks = "keys.json"\n'


def test_a_file_makes_a_guard(issuer: TestIssuer, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(issuer.jwks)
    auth = RequiresAuth.from_file(write(tmp_path, issuer_table(issuer)))
    assert auth.verify(issuer.token("read:orders")).has_scope("read:orders")
    with pytest.raises(TokenExpired):
        auth.verify(issuer.token(defect="expired"))


def test_every_setting_reaches_the_guard(issuer: TestIssuer, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(issuer.jwks)
    text = """
algorithms = ["ES384"]
leeway = "2m"
profile = "at+jwt"
scope_claims = ["scope", "permissions"]
implied_scopes = { admin = ["read", "write"] }
max_token_bytes = 4096
stale = "2h"
fetch_timeout = 2
cache = 0
state_file = "saved.json"
error_body = "problem"
"""
    auth = RequiresAuth.from_file(str(write(tmp_path, text + issuer_table(issuer))))
    token = auth.verify(issuer.token("admin", claims={"permissions": ["extra"]}))
    assert token.scopes == {"admin", "read", "write", "extra"}
    refusal = auth.admit("GET", "/", [])
    assert ("content-type", "application/problem+json") in refusal.headers  # type: ignore[union-attr]


def test_what_is_given_goes_before_the_file(issuer: TestIssuer, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(issuer.jwks)
    path = write(tmp_path, 'scopes_from = "nothing"\n' + issuer_table(issuer))
    assert not RequiresAuth.from_file(path).verify(issuer.token("read")).scopes
    assert RequiresAuth.from_file(path, scope_claims=["scope"]).verify(issuer.token("read")).scopes == {"read"}


def test_all_mistakes_come_at_once_with_their_lines(tmp_path: Path) -> None:
    path = write(tmp_path, '[issuers.main]\nissuer = "ftp://issuer.example"\naudiance = "https://api.example.com"\n')
    with pytest.raises(ConfigError) as raised:
        RequiresAuth.from_file(path)
    fields = [problem.field for problem in raised.value.problems]
    assert f"{path}:2: issuers.main.issuer" in fields
    assert f"{path}:3: issuers.main.audiance" in fields
    assert "did you mean `audience`?" in str(raised.value)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a readable file"):
        RequiresAuth.from_file(tmp_path / "none.toml")


def test_plain_http_has_to_be_allowed_by_name(tmp_path: Path) -> None:
    path = write(tmp_path, '[issuers.main]\nissuer = "http://issuer.example"\naudience = "https://api.example.com"\n')
    with pytest.raises(ConfigError, match="https"):
        RequiresAuth.from_file(path)
    assert RequiresAuth.from_file(path, dangerously_allow_http_issuer=True).health()


def test_an_issuer_has_algorithms_and_scopes_of_its_own(issuer: TestIssuer, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(issuer.jwks)
    above = 'algorithms = ["RS256"]\nscopes_from = "nothing"\n'
    own = 'algorithms = ["ES384"]\nscopes_from = ["permissions"]\n'
    token = issuer.token("read", claims={"permissions": ["extra"]})
    auth = RequiresAuth.from_file(write(tmp_path, above + issuer_table(issuer) + own))
    assert auth.verify(token).scopes == {"extra"}
    auth = RequiresAuth.from_file(write(tmp_path, above + issuer_table(issuer)))
    with pytest.raises(AlgorithmNotAllowed):
        auth.verify(token)
    auth = RequiresAuth.from_file(write(tmp_path, issuer_table(issuer) + 'algorithms = ["RS256"]\n'))
    with pytest.raises(AlgorithmNotAllowed):
        auth.verify(token)


def test_an_issuer_in_code_has_the_same(issuer: TestIssuer) -> None:
    own = Issuer(issuer.issuer, issuer.audience, issuer.jwks, algorithms="ES384", scope_claims=["permissions"])
    token = issuer.token("read", claims={"permissions": ["extra"]})
    assert RequiresAuth(issuers=[own], algorithms=["RS256"]).verify(token).scopes == {"extra"}
    with pytest.raises(ConfigError, match="HS256"):
        RequiresAuth(issuers=[Issuer("https://a.example", "b", algorithms=["HS256"])])


def test_an_earlier_name_is_logged(issuer: TestIssuer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "keys.json").write_text(issuer.jwks)
    path = write(tmp_path, 'scopes_from = "permissions"\n' + issuer_table(issuer))
    token = issuer.token("read", claims={"permissions": ["extra"]})
    assert RequiresAuth.from_file(path).verify(token).scopes == {"extra"}
    assert "auth.toml:1: scopes_from is now called `scope_claims`" in caplog.text


def test_mistakes_of_both_kinds_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    second = '[issuers.b]\nissuer = "https://b.example"\naudience = "x"\njwks = "none.json"\n'
    first = '[issuers.a]\nissuer = "http://a.example"\naudience = ""\n'
    path = write(tmp_path, f'stale = "soon"\nleeway = "301s"\n{first}{second}[server]\nlistn = 1\n')
    with pytest.raises(ConfigError) as raised:
        RequiresAuth.from_file(path)
    fields = [problem.field.removeprefix(f"{path}:") for problem in raised.value.problems]
    assert fields == [
        "1: stale",
        "2: leeway",
        "4: issuers.a.issuer",
        "5: issuers.a.audience",
        "9: issuers.b.jwks",
    ]
    with pytest.raises(ConfigError) as raised:
        RequiresAuth.from_file(path, leeway=400)
    assert "leeway" in [problem.field for problem in raised.value.problems]


def test_what_weakens_a_check_is_written_by_name(issuer: TestIssuer, tmp_path: Path) -> None:
    table = '[issuers.main]\nissuer = "http://issuer.example"\n'
    path = write(tmp_path, f"dangerously_allow_http_issuer = true\n{table}dangerously_any_audience = true\n")
    assert RequiresAuth.from_file(path).health()
