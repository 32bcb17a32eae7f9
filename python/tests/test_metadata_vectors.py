"""The shared vectors about metadata documents of resources (RFC 9728): the same bytes in every adapter."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask
from starlette.applications import Starlette
from starlette.testclient import TestClient
from vectors import FOLDER, arguments_of

from requires_auth import ConfigError, RequiresAuth
from requires_auth import flask as flask_adapter
from requires_auth.starlette import ResourceMetadataMiddleware

CASES: list[dict[str, Any]] = json.loads((FOLDER / "metadata.json").read_text("utf-8"))["cases"]
OTHER = [case for case in CASES if case["expect"]["outcome"] != "mistake"]
MISTAKES = [case for case in CASES if case["expect"]["outcome"] == "mistake"]

Answer = tuple[int, dict[str, str], bytes]


def named(case: dict[str, Any]) -> str:
    return str(case["id"])


def arguments(case: dict[str, Any]) -> dict[str, Any]:
    """The arguments of the guard. No key is at hand, and the issuer is out of reach."""
    found = arguments_of(case["config"], None)
    # A key set that is pinned would let an issuer be any text.
    del found["jwks_uri"]
    return found


def core(case: dict[str, Any]) -> Answer | None:
    answer = RequiresAuth(**arguments(case)).metadata(case["method"], case["url"])
    return None if answer is None else (answer.status, dict(answer.headers), answer.body)


def starlette(case: dict[str, Any]) -> Answer | None:
    app = ResourceMetadataMiddleware(Starlette(), auth=RequiresAuth(**arguments(case)))
    # As it is: the client would read two slashes at the beginning as a host.
    response = TestClient(app).request(case["method"], f"http://testserver{case['url']}")
    if response.status_code == 404:
        return None
    return response.status_code, dict(response.headers), response.content


def flask(case: dict[str, Any]) -> Answer | None:
    app = Flask("orders")
    flask_adapter.RequiresAuth(**arguments(case)).init_app(app)
    path, _, query = case["url"].partition("?")
    # As servers decode it: the client would read two slashes at the beginning as a host.
    overrides = {"PATH_INFO": unquote(path, "latin-1")}
    response = app.test_client().open(method=case["method"], query_string=query, environ_overrides=overrides)
    if response.status_code in (308, 401, 404):
        return None
    return response.status_code, {name.lower(): value for name, value in response.headers.items()}, response.data


@pytest.mark.parametrize("case", OTHER, ids=named)
@pytest.mark.parametrize("ask", [core, starlette, flask])
def test_a_document_is_served_by_every_adapter(
    ask: Callable[[dict[str, Any]], Answer | None], case: dict[str, Any]
) -> None:
    if ask is not core and case["id"] == "place-encoded":
        pytest.skip("servers decode a path before an application sees it")
    answer, expect = ask(case), case["expect"]
    if expect["outcome"] == "other":
        assert answer is None
        return
    assert answer is not None
    status, headers, body = answer
    assert (status, body.decode()) == (expect["status"], expect["body"])
    assert expect["headers"].items() <= headers.items()


@pytest.mark.parametrize("case", MISTAKES, ids=named)
def test_what_cannot_be_a_resource_is_a_mistake(case: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        RequiresAuth(**arguments(case))
    assert [problem.field for problem in caught.value.problems] == [case["expect"]["setting"]]
