"""The examples of MCP servers, each started with the command that its first lines give."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from adapters import EXAMPLES, free_port, python, serving

from requires_auth.testing import TestIssuer

NAMES = {"mcp_protect": "mcp", "mcp_fastmcp": "fastmcp"}


@dataclass
class Example:
    """An example that runs, and the issuer that it trusts."""

    port: int
    issuer: TestIssuer

    @property
    def resource(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def ask(self, method: str, path: str, message: Any = None, **headers: str) -> tuple[int, dict[str, str], str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            kinds = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
            body = None if message is None else json.dumps(message)
            connection.request(method, path, body, {**kinds, **headers})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
        finally:
            connection.close()

    def call(self, scope: str, tool: str, **arguments: str) -> tuple[int, dict[str, str], str]:
        """The answer to a call of a tool, in a session of its own."""
        bearer = {"Authorization": f"Bearer {self.issuer.token(scope, audience=self.resource, sub='bob')}"}
        client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        begun = self.ask("POST", "/mcp", _message("initialize", 0, client), **bearer)
        assert begun[0] == 200, begun
        session = {**bearer, "Mcp-Session-Id": begun[1]["mcp-session-id"], "MCP-Protocol-Version": "2025-06-18"}
        ready = self.ask("POST", "/mcp", {"jsonrpc": "2.0", "method": "notifications/initialized"}, **session)
        assert ready[0] == 202
        return self.ask("POST", "/mcp", _message("tools/call", 1, {"name": tool, "arguments": arguments}), **session)


def _message(method: str, number: int, params: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


@pytest.fixture(scope="module", params=NAMES)
def example(request: pytest.FixtureRequest) -> Iterator[Example]:
    pytest.importorskip(NAMES[request.param])
    issuer, port = TestIssuer(), free_port()
    issuer.serve()
    found = Example(port, issuer)
    environment = {
        "REQUIRES_AUTH_ISSUER": issuer.issuer,
        "REQUIRES_AUTH_RESOURCE": found.resource,
        "PORT": str(port),
    }
    with serving(python(f"{request.param}.py"), environment, EXAMPLES, port):
        yield found
    issuer.stop()


def test_a_client_learns_where_to_log_in(example: Example) -> None:
    status, headers, _ = example.ask("POST", "/mcp", _message("tools/list", 1, {}))
    pointer = f"http://127.0.0.1:{example.port}/.well-known/oauth-protected-resource/mcp"
    challenge = f'Bearer scope="read:orders", resource_metadata="{pointer}"'
    assert (status, headers["www-authenticate"]) == (401, challenge)
    status, _, body = example.ask("GET", "/.well-known/oauth-protected-resource/mcp")
    assert (status, json.loads(body)["authorization_servers"]) == (200, [example.issuer.issuer])


def test_a_tool_runs_with_its_scope_alone(example: Example) -> None:
    status, _, body = example.call("read:orders", "list_orders")
    assert (status, "apples for alice" in body) == (200, True)
    status, headers, _ = example.call("read:orders", "create_order", what="pears")
    assert (status, 'scope="read:orders write:orders"' in headers["www-authenticate"]) == (403, True)
    status, _, body = example.call("read:orders write:orders", "create_order", what="pears")
    assert (status, "pears for bob" in body) == (200, True)


@pytest.mark.parametrize("name", NAMES)
def test_without_configuration_it_says_what_is_missing(name: str) -> None:
    pytest.importorskip(NAMES[name])
    environment = {key: value for key, value in os.environ.items() if not key.startswith("REQUIRES_AUTH_")}
    command = [sys.executable, f"{name}.py"]
    run = subprocess.run(
        command, cwd=EXAMPLES, env=environment, capture_output=True, text=True, check=False, timeout=30
    )
    assert run.returncode != 0
    assert "REQUIRES_AUTH_RESOURCE" in run.stderr
