"""What the tests of the adapters share: the vectors as requests, and servers on loopback."""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from vectors import arguments_of, policy_of

from requires_auth import ConfigError, Policy, RequiresAuth

PYTHON = Path(__file__).resolve().parent.parent
EXAMPLES = PYTHON / "examples"
VECTORS = PYTHON.parent / "crates" / "requires-auth-testkit" / "vectors"

ORIGIN = "https://app.example"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "GET",
    "Access-Control-Request-Headers": "authorization",
}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# --- vectors


@dataclass(frozen=True)
class Case:
    """A request with the answer that every adapter must give."""

    id: str
    config: dict[str, Any]
    jwks: str | None
    method: str
    url: str
    headers: list[tuple[str, bytes]]
    expect: dict[str, Any]

    def guard(self) -> RequiresAuth | None:
        """The guard that is asked; None if no server can have it, as with the adapters in Rust."""
        try:
            return self._guard()
        except ConfigError as error:
            field = error.problems[0].field
            assert field in ("algorithms", "issuer", "jwks") or field not in self.config, self.id
            assert "settings" not in self.config, self.id
            return None

    def _guard(self) -> RequiresAuth:
        return RequiresAuth(**arguments_of(self.config, KEY_SETS[self.jwks] if self.jwks else None))

    def policy(self) -> Policy | None:
        return policy_of(strings(self.config.get("scope", [])), self.config)

    @property
    def optional(self) -> bool:
        return bool(self.config.get("optional", False))

    def joined(self, separator: str) -> dict[str, str]:
        """The headers as WSGI servers hand them on: repeated lines in one, and no bytes but Latin-1."""
        joined: dict[str, str] = {}
        for name, value in self.headers:
            text, key = value.decode("latin-1"), name.lower()
            joined[key] = f"{joined[key]}{separator}{text}" if key in joined else text
        return joined

    def environ(self, separator: str) -> dict[str, str]:
        headers = self.joined(separator).items()
        return {
            name.upper().replace("-", "_") if name == "content-type" else "HTTP_" + name.upper().replace("-", "_"): text
            for name, text in headers
        }

    def check(self, status: int, headers: dict[str, str], body: bytes, ran: bool) -> None:
        """Holds an answer against what is expected."""
        outcome = self.expect["outcome"]
        assert ran == (outcome in ("allow", "anonymous")), self.id
        if outcome == "preflight":
            assert status in (200, 204), (self.id, status)
        if outcome != "deny":
            return
        assert status == self.expect["status"], (self.id, status, body)
        assert headers.get("www-authenticate") == self.expect["challenge"], self.id
        for name, value in self.expect.get("headers", {}).items():
            assert headers.get(name.lower()) == value, (self.id, name)
        if self.method == "HEAD":
            assert body == b""
            return
        answer = json.loads(body)
        assert answer["code"] == self.expect["code"], self.id
        assert answer["status"] == status
        assert answer.get("reason") == self.expect["reason"], self.id


@cache
def vectors() -> list[tuple[Case, RequiresAuth]]:
    """All vectors with the guards that they are for."""
    found = [(case, guard) for case in cases() if (guard := case.guard())]
    assert len(found) > 1500
    return found


def strings(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def cases() -> list[Case]:
    """All vectors: those of tokens as the token in a header of a plain request."""
    found = []
    for file in sorted(VECTORS.glob("tokens-*.json")):
        for case in json.loads(file.read_text())["cases"]:
            expect = {"outcome": "allow" if case["expect"]["ok"] else "deny", **case["expect"]}
            value = f"Bearer {case['token']}".encode()
            if any(byte in value for byte in b"\r\n\0") or value != value.strip():
                continue  # no HTTP server lets it pass
            request: dict[str, Any] = {
                "method": "GET",
                "url": "/items",
                "headers": [("Authorization", value)],
            }
            found.append(Case(case["id"], case["config"], case["jwks"], **request, expect=expect))
    files = sorted(VECTORS.glob("requests*.json"))
    for case in (case for file in files for case in json.loads(file.read_text())["cases"]):
        request, token = case["request"], case.get("token") or ""
        if "route" in request:
            continue  # each adapter has a test of its own for routes with places
        headers = [(name, header_value(value, token)) for name, value in request["headers"]]
        url = request["url"].replace("{token}", token)
        found.append(Case(case["id"], case["config"], case["jwks"], request["method"], url, headers, case["expect"]))
    return found


def header_value(value: str | dict[str, str], token: str) -> bytes:
    if isinstance(value, dict):
        return base64.b64decode(value["base64"])
    return value.replace("{token}", token).encode()


KEY_SETS: dict[str, Any] = json.loads((VECTORS / "key-sets.json").read_text())

WSGI_DIFFERS = {"two-headers-empty"}
"""Joined by a comma, it looks like one header with a comma at its end (DESIGN: 401, not 400)."""


# --- servers


@dataclass
class Server:
    """A server on loopback."""

    port: int
    process: subprocess.Popen[bytes]
    name: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(method, path)
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
            lower: dict[str, list[str]] = {}
            for name, value in response.getheaders():
                lower.setdefault(name.lower(), []).append(value)
            return Answer(response.status, {name: ", ".join(values) for name, values in lower.items()}, response.read())
        finally:
            connection.close()


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        return json.loads(self.body)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def serving(command: Sequence[str], environment: dict[str, str], cwd: Path, port: int) -> Iterator[Server]:
    """Runs a server until the context ends; waits for it to listen."""
    process = subprocess.Popen(
        [*command],
        cwd=cwd,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for(process, port)
        yield Server(port, process)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            output = process.communicate()[0]
            raise AssertionError(f"the server ended with {process.returncode}:\n{output.decode(errors='replace')}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the server does not listen")


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]
