"""HTTP as the checks need it: exact headers, and answers as they came."""

import http.client
import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

PATIENCE = 30  # seconds

Headers = list[tuple[str, str]]

JSON: Headers = [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")]
VERSION = "2025-11-25"  # every SDK here speaks it


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def challenge(self) -> str | None:
        return self.headers.get("WWW-Authenticate")

    def parameter(self, name: str) -> str | None:
        """A parameter of the challenge."""
        found = re.search(rf'(?:^|[ ,]){name}="([^"]*)"', self.challenge or "")
        return found[1] if found else None

    def json(self) -> dict:
        return json.loads(self.body)


def ask(method: str, url: str, headers: Headers = (), body: bytes | None = None) -> Answer:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
    try:
        connection.putrequest(method, parts.path + (f"?{parts.query}" if parts.query else ""))
        for name, value in headers:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def bearer(token: str) -> Headers:
    return [("Authorization", f"Bearer {token}")]


def rpc(url: str, method: str, params: dict, headers: Headers = (), *, number: int | None = 1) -> Answer:
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    if number is not None:
        message["id"] = number
    return ask("POST", url, [*JSON, *headers], json.dumps(message).encode())


def initialize(url: str, headers: Headers = ()) -> Answer:
    """The first request of a session, which each server answers."""
    client = {"name": "check", "version": "1"}
    return rpc(url, "initialize", {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": client}, headers)


def call(url: str, tool: str, headers: Headers) -> Answer:
    """Calls a tool in a session of its own."""
    opened = initialize(url, headers)
    assert opened.status == 200, opened
    session = [("MCP-Protocol-Version", VERSION), *headers]
    if number := opened.headers.get("Mcp-Session-Id"):
        session.append(("Mcp-Session-Id", number))
    rpc(url, "notifications/initialized", {}, session, number=None)
    return rpc(url, "tools/call", {"name": tool, "arguments": {}}, session)
