"""What an OpenAPI document says of a guard: its scheme, and the answers to refused requests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from requires_auth import ConfigError
from requires_auth._options import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requires_auth._options import Adapter

REFUSAL = "RequiresAuthRefusal"
"""What the model of the body of a refusal is called."""

_WELL_KNOWN = "/.well-known/openid-configuration"
_NOT_DISCOVERED = ("jwks", "jwks_uri", "issuers", "resolver", "introspection")
_TEXT = {"type": "string"}
_STATUS = {"type": "integer"}
_CODE = {"type": "string", "description": "What is wrong; it never changes its meaning."}
_REASON = {"type": "string", "description": "Which check of the token failed."}
_BODIES: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "json": (
        "application/json",
        {"code": _CODE, "status": _STATUS, "message": _TEXT, "reason": _REASON},
        ["code", "status", "message"],
    ),
    "problem": (
        "application/problem+json",
        {"type": _TEXT, "title": _TEXT, "status": _STATUS, "detail": _TEXT, "code": _CODE, "reason": _REASON},
        ["type", "title", "status", "detail", "code"],
    ),
}
"""By `error_body`: media type, members, and those that are always there."""

_CHALLENGE = {"WWW-Authenticate": {"description": "The challenge (RFC 6750 3, RFC 9449 7.1).", "schema": _TEXT}}
_ANSWERS: dict[str, tuple[str, dict[str, Any]]] = {
    "401": ("There is no access token, or it is not valid.", _CHALLENGE),
    "403": ("The access token does not allow this request.", _CHALLENGE),
    "503": (
        "The keys of the issuer cannot be fetched: try again later.",
        {"Retry-After": {"description": "After how many seconds.", "schema": _STATUS}},
    ),
}


def discovery_url(adapter: Adapter) -> str | None:
    """Where the issuer describes itself (OpenID Connect Discovery 1.0, section 4); None unless keys are found there.

    Nothing is fetched. There is none with several issuers, or with keys that come from elsewhere.
    """
    given = adapter.options()

    def option(name: str) -> Any:
        return given.get(name) or os.environ.get(PREFIX + name.upper())

    if any(option(name) for name in _NOT_DISCOVERED):
        return None
    try:
        issuers: list[str] = [health["issuer"] for health in adapter.health()]
    except (ConfigError, TypeError):
        return None  # requests will tell it
    if len(issuers) != 1 or "{" in issuers[0]:
        return None
    return str(option("discovery_url") or issuers[0].rstrip("/") + _WELL_KNOWN)


def description(scopes: Mapping[str, str]) -> str:
    """What a scheme says of itself where OpenAPI has no place for scopes."""
    lines = ["An OAuth 2.0 access token."]
    if scopes:
        lines += ["", "Scopes:", ""]
    lines += [f"- `{name}` {meaning}".rstrip() for name, meaning in sorted(scopes.items())]
    return "\n".join(lines)


def refusals(adapter: Adapter) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The answers to refused requests by status, and the model of their bodies, empty where it is not known."""
    body = adapter.options().get("error_body") or adapter.options().get("error_format") or "json"
    found = _BODIES.get(body) if isinstance(body, str) else None
    answers: dict[str, dict[str, Any]] = {
        status: {"description": text, "headers": headers} for status, (text, headers) in _ANSWERS.items()
    }
    if found is None:
        return answers, {}
    media_type, members, required = found
    content = {media_type: {"schema": {"$ref": f"#/components/schemas/{REFUSAL}"}}}
    for answer in answers.values():
        answer["content"] = content
    model = {"type": "object", "title": REFUSAL, "properties": members, "required": required}
    return answers, {REFUSAL: model}
