"""What the messages to an MCP server need, through the extension module."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from vectors import FOLDER, arguments_of

from requires_auth import (
    AuthError,
    ConfigError,
    InsufficientScope,
    IssuerUnavailable,
    McpBodyEncoded,
    McpBodyNotJson,
    McpOperationUnknown,
    RequiresAuth,
    StateUnavailable,
)
from requires_auth._core import Admission, McpScopes, Refusal
from requires_auth.testing import TestIssuer

NO_HEADERS: list[tuple[str, str]] = []


def cases() -> list[dict[str, Any]]:
    found = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("mcp-*.json"))]
    # A case without a body is one for a gateway that sees the headers alone.
    return [case for file in found for case in file["cases"] if case["body"] is not None]


CASES = cases()
KEY_SETS = json.loads((FOLDER / "key-sets.json").read_text())


def body_of(case: dict[str, Any]) -> bytes:
    body = case["body"]
    if isinstance(body, str):
        return body.encode()
    if "base64" in body:
        return base64.b64decode(body["base64"])
    text: str = body["text"]
    return text.encode().ljust(body["length"])


def headers_of(case: dict[str, Any]) -> list[tuple[str, bytes]]:
    def value(given: str | dict[str, str]) -> bytes:
        if isinstance(given, dict):
            return base64.b64decode(given["base64"])
        return given.replace("{token}", case.get("token", "")).encode()

    return [(name, value(given)) for name, given in case["request"]["headers"]]


def scopes_of(case: dict[str, Any]) -> McpScopes:
    scopes = case["scopes"]
    return McpScopes(
        tools=scopes.get("tools"),
        prompts=scopes.get("prompts"),
        resources=scopes.get("reads"),
        max_body=scopes.get("max_body"),
    )


def ask(case: dict[str, Any]) -> Refusal | None:
    guard = RequiresAuth(**arguments_of(case["config"], KEY_SETS.get(case["jwks"])))
    method, url = case["request"]["method"], case["request"]["url"]
    headers, scopes = headers_of(case), scopes_of(case)
    admitted = guard.admit(method, url, headers, scopes.admission)
    if isinstance(admitted, Refusal):
        return admitted
    assert isinstance(admitted, Admission)
    assert admitted.token is not None
    limit, body = scopes.body_limit(method, headers), body_of(case)
    whole = b"" if limit is None else body if len(body) <= limit else None
    return scopes.check(guard, admitted.token, method, url, headers, whole)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_every_message_is_answered_as_everywhere(case: dict[str, Any]) -> None:
    expected = case["expect"]
    refusal = ask(case)
    if expected["outcome"] == "allow":
        assert refusal is None
        return
    assert refusal is not None
    headers = dict(refusal.headers)
    body = json.loads(refusal.body)
    assert body.get("error", {}).get("code") == expected.get("json_rpc")
    members = body["error"]["data"] if "json_rpc" in expected else body
    assert (refusal.status, members["status"]) == (expected["status"], expected["status"])
    assert (members["code"], members.get("reason")) == (expected["code"], expected["reason"])
    assert headers.get("www-authenticate") == expected["challenge"]
    assert headers.get("cache-control") == expected["headers"].get("Cache-Control")
    error = refusal.error
    assert error.code == expected["code"]


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 100


def test_a_table_is_checked_as_a_whole() -> None:
    with pytest.raises(ConfigError) as refused:
        McpScopes({"": "a", "b": "openid"}, resources={"a*b": ""}, max_body=0)
    assert [problem.field for problem in refused.value.problems] == ["resources", "tools", "tools", "max_body"]


def error_of(
    scopes: McpScopes, method: str, body: bytes, headers: list[tuple[str, str]] = NO_HEADERS, **options: Any
) -> AuthError | IssuerUnavailable | StateUnavailable | None:
    """What a request is refused for whose token has no scope."""
    issuer = TestIssuer(audience="https://api.example.com/mcp")
    guard = RequiresAuth(issuer.issuer, resource=issuer.audience, jwks=issuer.jwks, **options)
    token = guard.verify(issuer.token(), scopes.admission)
    refusal = scopes.check(guard, token, method, "/mcp", headers, body)
    return None if refusal is None else refusal.error


def test_scopes_may_be_one_text_or_several() -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"create"}}'

    def needed(scopes: McpScopes, method: str, body: bytes) -> str:
        error = error_of(scopes, method, body, base_scopes=["read"])
        assert isinstance(error, InsufficientScope)
        return dict(error.headers)["www-authenticate"].split('scope="')[-1].split('"')[0]

    for needs in ("write audit", ["write", "audit"], ("write", "audit")):
        scopes = McpScopes({"create": needs})
        assert needed(scopes, "POST", body) == "read write audit"
        assert needed(scopes, "GET", b"") == "read"
    assert error_of(McpScopes(), "POST", body) is None


def test_a_message_that_cannot_be_judged_is_refused() -> None:
    scopes = McpScopes({"create": "write"})
    refused = error_of(scopes, "POST", b"{")
    assert isinstance(refused, McpBodyNotJson)
    assert (refused.status, refused.code) == (400, "auth.mcp_body_not_json")
    unknown = error_of(scopes, "POST", b'{"method":"tools/call","params":{"name":"drop"}}')
    assert isinstance(unknown, McpOperationUnknown)
    assert scopes.body_limit("POST", NO_HEADERS) == 4 << 20
    assert scopes.body_limit("GET", NO_HEADERS) is None
    assert isinstance(error_of(scopes, "POST", b"{}", [("content-encoding", "gzip")]), McpBodyEncoded)


def test_an_own_format_of_refusals_leaves_json_rpc_alone() -> None:
    """A client takes a 400 with another body for a server that does not know its version of the protocol."""
    case = next(case for case in CASES if case["id"] == "mcp-name-twice")
    arguments = arguments_of(case["config"], KEY_SETS[case["jwks"]])
    guard = RequiresAuth(**arguments, error_body=lambda error: ("text/plain", error.code.encode()))
    headers, scopes = headers_of(case), scopes_of(case)
    admitted = guard.admit("POST", "/mcp", headers, scopes.admission)
    assert isinstance(admitted, Admission)
    assert admitted.token is not None
    unknown = b'{"method":"tools/call","params":{"name":"x"}}'
    for body, expected in [(body_of(case), b'{"jsonrpc"'), (unknown, b"auth.")]:
        refusal = scopes.check(guard, admitted.token, "POST", "/mcp", headers, body)
        assert refusal is not None
        assert refusal.body.startswith(expected)
