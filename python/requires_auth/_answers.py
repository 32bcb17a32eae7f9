"""Answers that need no framework."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from requires_auth import AuthError, IssuerUnavailable, StateUnavailable

Headers = list[tuple[str, str]]
"""Headers in their order."""


class Answer(Protocol):
    """An answer to a refused request, as `requires_auth.Refusal` is one."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def body(self) -> bytes: ...
    @property
    def error(self) -> AuthError | IssuerUnavailable | StateUnavailable: ...


@dataclass(frozen=True)
class OwnAnswer:
    """An answer that no guard has written."""

    status: int
    headers: Headers
    body: bytes
    error: AuthError | IssuerUnavailable | StateUnavailable


def answer_to(error: AuthError | IssuerUnavailable | StateUnavailable) -> OwnAnswer:
    """The answer to an error that was raised outside of an adapter, by `verify` for example."""
    body = {"code": error.code, "status": error.status, "message": error.message}
    if error.reason is not None:
        body["reason"] = error.reason
    headers = [(name, value) for name, value in error.headers if name != "content-type"]
    headers.insert(0, ("content-type", "application/json"))
    if error.status < 500 and not error.headers:
        headers.append(("cache-control", "no-store"))
    return OwnAnswer(error.status, headers, json.dumps(body, separators=(",", ":")).encode(), error)
