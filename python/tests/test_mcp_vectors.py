"""The shared vectors about resources and MCP servers, through `requires_auth.mcp` and `requires_auth.fastmcp`."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient
from vectors import FOLDER, arguments_of

from requires_auth import RequiresAuth
from requires_auth.mcp import protect

KEY_SETS = json.loads((FOLDER / "key-sets.json").read_text("utf-8"))

Case = dict[str, Any]
App = Callable[..., Any]


def cases_of(pattern: str) -> list[Case]:
    files = [json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob(pattern))]
    return [case for file in files for case in file["cases"]]


def named(case: Case) -> str:
    return str(case["id"])


# A case without a body is one for a gateway that sees the headers alone.
MESSAGES = [case for case in cases_of("mcp-*.json") if case["body"] is not None]

# What a route asks for beside the base is another adapter's: here all is said by the tables.
REQUESTS = [
    case for case in cases_of("requests-resource.json") if not case["config"].keys() & {"scope", "claims", "optional"}
]

DOCUMENTS = [case for case in cases_of("metadata.json") if case["expect"]["outcome"] != "mistake"]


class Seen:
    """Where the server would be: it has the request, and whether the header with the token is there."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.shown: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.bodies.append(body)
        self.shown += [value for name, value in scope["headers"] if name == b"authorization"]
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def by_protect(seen: Seen, auth: RequiresAuth, **tables: Any) -> App:
    return protect(seen, auth=auth, **tables)


def by_fastmcp(seen: Seen, auth: RequiresAuth, **tables: Any) -> App:
    """A server of fastmcp, as far as its own middleware: that stands inside of the guard."""
    fastmcp = pytest.importorskip("fastmcp")
    from starlette.middleware import Middleware

    from requires_auth.fastmcp import RequiresAuth as Auth

    server = fastmcp.FastMCP("orders", auth=Auth(auth=auth, **tables))
    app: App = server.http_app(path="/mcp", middleware=[Middleware(lambda _: seen)])
    return app


ADAPTERS = [pytest.param(by_protect, id="protect"), pytest.param(by_fastmcp, id="fastmcp")]


def value_of(given: str | dict[str, str], token: str) -> bytes:
    return base64.b64decode(given["base64"]) if isinstance(given, dict) else given.replace("{token}", token).encode()


def body_of(body: str | Case) -> bytes:
    if isinstance(body, str):
        return body.encode()
    if "base64" in body:
        return base64.b64decode(body["base64"])
    text: str = body["text"]
    return text.encode().ljust(body["length"])


def guard_of(case: Case) -> RequiresAuth:
    keys = KEY_SETS[case["jwks"]] if case.get("jwks") else None
    return RequiresAuth(**arguments_of(case["config"], keys))


def ask(make: Callable[..., App], case: Case, seen: Seen) -> Any:
    """What the client gets."""
    scopes = case.get("scopes", {})
    # An empty table is a mistake of the user's here.
    tables = {
        to: scopes[own]
        for own, to in (("tools", "tools"), ("prompts", "prompts"), ("reads", "resources"))
        if scopes.get(own)
    }
    app = make(seen, guard_of(case), **tables, max_body=scopes.get("max_body"))
    request, token = case["request"], case.get("token") or ""
    headers = [(name.encode(), value_of(value, token)) for name, value in request["headers"]]
    url = f"http://testserver{request['url'].replace('{token}', token)}"
    return TestClient(app).request(request["method"], url, headers=headers, content=body_of(case.get("body", "")))


def check(case: Case, response: Any, seen: Seen) -> None:
    expected = case["expect"]
    if expected["outcome"] != "deny":
        assert (response.status_code, seen.bodies) == (204, [body_of(case.get("body", ""))])
        # Nothing, or what fastmcp has to see there.
        assert set(seen.shown) <= {b"Bearer -"}
        return
    assert seen.bodies == []
    assert response.status_code == expected["status"]
    assert response.headers.get("www-authenticate") == expected["challenge"]
    for name, value in expected.get("headers", {}).items():
        assert response.headers.get(name) == value
    if case["request"]["method"] == "HEAD":
        return
    body = response.json()
    assert body.get("error", {}).get("code") == expected.get("json_rpc")
    members = body["error"]["data"] if "json_rpc" in expected else body
    assert (members["status"], members["code"]) == (expected["status"], expected["code"])
    assert members.get("reason") == expected["reason"]


@pytest.mark.parametrize("case", MESSAGES + REQUESTS, ids=named)
@pytest.mark.parametrize("make", ADAPTERS)
def test_a_request_is_answered_as_by_every_adapter(make: Callable[..., App], case: Case) -> None:
    seen = Seen()
    check(case, ask(make, case, seen), seen)


@pytest.mark.parametrize("case", DOCUMENTS, ids=named)
@pytest.mark.parametrize("make", ADAPTERS)
def test_a_document_is_served_as_by_every_adapter(make: Callable[..., App], case: Case) -> None:
    if case["id"] == "place-encoded":
        pytest.skip("servers decode a path before an application sees it")
    arguments = arguments_of(case["config"], None)
    # A key set that is pinned would let an issuer be any text.
    del arguments["jwks_uri"]
    if "resource" not in case["config"].get("settings", {}):
        pytest.skip("without a resource there is nothing to protect")
    seen, expected = Seen(), case["expect"]
    response = TestClient(make(seen, RequiresAuth(**arguments))).request(
        case["method"], f"http://testserver{case['url']}"
    )
    assert seen.bodies == []
    if expected["outcome"] == "other":
        # The guard asks for a token, or for keys that are out of reach: it is a request as any other.
        assert response.status_code in (401, 503)
        return
    assert (response.status_code, response.text) == (expected["status"], expected["body"])
    assert expected["headers"].items() <= dict(response.headers).items()


def test_there_are_enough_cases() -> None:
    assert len(MESSAGES) >= 100
    assert len(REQUESTS) >= 30
    assert len(DOCUMENTS) >= 40
    assert {case["row"] for case in MESSAGES} >= {f"U{row:02}" for row in range(1, 16)}
    assert {case["row"] for case in REQUESTS} >= {"T20", "T21", "T22", "T23", "T24", "T25", "T26", "T28"}
