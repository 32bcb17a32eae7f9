"""The shared vectors of the testkit, and the guards that they ask for."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from answers import settings_of

from requires_auth import ConfigError, Policy, RequiresAuth

FOLDER = Path(__file__).parents[2] / "crates" / "requires-auth-testkit" / "vectors"

UNREACHABLE = "http://127.0.0.1:1/jwks"
"""The key set of an issuer that is down: nothing listens on port 1."""


@dataclass
class Case:
    id: str
    config: dict[str, Any]
    jwks: dict[str, Any] | None
    expect: dict[str, Any]
    token: str = ""
    method: str = "GET"
    url: str = "/"
    headers: list[tuple[str, bytes]] = field(default_factory=list)
    reads: dict[str, Any] = field(default_factory=dict)
    path_parameters: dict[str, str] | None = None

    @property
    def policy(self) -> Policy | None:
        scope = self.config.get("scope", [])
        scopes = scope.split() if isinstance(scope, str) else scope
        return policy_of(scopes, self.config)

    @property
    def optional(self) -> bool:
        return bool(self.config.get("optional", False))

    def guard(self, **options: Any) -> RequiresAuth:
        """The guard of this case.

        Raises:
            ConfigError: it can be asked of the verifier alone, and no guard is built so: without an issuer, without
                an audience, with a name that is not an algorithm, with a key set that has no usable key.
        """
        return RequiresAuth(**arguments_of(self.config, self.jwks), **options)

    def guard_or_none(self, **options: Any) -> RequiresAuth | None:
        try:
            return self.guard(**options)
        except ConfigError:
            if "settings" in self.config:
                raise  # each of them can work
            return None


def arguments_of(config: dict[str, Any], jwks: dict[str, Any] | None) -> dict[str, Any]:
    """The arguments of the guard that a case asks for."""
    arguments: dict[str, Any] = {
        "issuer": config.get("issuer"),
        "audience": config.get("audience"),
        "jwks": jwks,
        "jwks_uri": None if jwks is not None else UNREACHABLE,
        "algorithms": config.get("alg"),
        "leeway": config.get("leeway"),
        "profile": config.get("profile"),
        "dangerously_allow_public_test_keys": True,
        "_now": config["now"],
    }
    arguments |= settings_of(config)
    return arguments


def policy_of(scopes: Sequence[str], config: dict[str, Any]) -> Policy | None:
    """The policy of these scopes, and of what a case needs beside them, as a route of the gateway writes it."""
    claims, acr, max_age = config.get("claims", {}), config.get("acr"), config.get("max_age")
    if not scopes and not claims and not acr and max_age is None:
        return None
    policy = Policy.all_of(*scopes) if scopes else Policy()
    for path, rule in claims.items():
        policy = policy.with_claim(path, **_claim_test(rule))
    if acr:
        policy = policy.with_acr_values(acr)
    return policy if max_age is None else policy.with_max_age(max_age)


def _claim_test(rule: Any) -> dict[str, Any]:
    if not isinstance(rule, dict):
        return {"contains": rule}
    return {"path_parameter" if name == "path" else name: value for name, value in rule.items()}


def path_parameters(route: str | None, url: str) -> dict[str, str] | None:
    """What the URL has in the places of the route, decoded once."""
    if route is None:
        return None
    places = zip(route.split("/"), url.partition("?")[0].split("/"), strict=True)
    return {place[1:-1]: unquote(segment) for place, segment in places if place.startswith("{")}


def token_cases() -> list[Case]:
    files = sorted(FOLDER.glob("tokens-*.json"))
    return [
        Case(
            id=case["id"],
            config=case["config"],
            jwks=_key_set(case),
            expect=case["expect"],
            token=case["token"],
            reads=case.get("reads", {}),
            headers=[("Authorization", b"Bearer " + case["token"].encode())],
        )
        for file in files
        for case in json.loads(file.read_text("utf-8"))["cases"]
    ]


def request_cases() -> list[Case]:
    cases = []
    files = sorted(FOLDER.glob("requests*.json"))
    for case in (case for file in files for case in json.loads(file.read_text("utf-8"))["cases"]):
        request, token = case["request"], case.get("token", "")
        headers = [(name, _value(value, token)) for name, value in request["headers"]]
        url = request["url"].replace("{token}", token)
        cases.append(
            Case(
                case["id"],
                case["config"],
                _key_set(case),
                case["expect"],
                token,
                method=request["method"],
                url=url,
                headers=headers,
                path_parameters=path_parameters(request.get("route"), url),
            )
        )
    return cases


def _value(value: str | dict[str, str], token: str) -> bytes:
    if isinstance(value, dict):
        return base64.b64decode(value["base64"])
    return value.replace("{token}", token).encode()


_KEY_SETS = json.loads((FOLDER / "key-sets.json").read_text("utf-8"))


def _key_set(case: dict[str, Any]) -> dict[str, Any] | None:
    jwks = case.get("jwks")
    return _KEY_SETS[jwks] if isinstance(jwks, str) else jwks
