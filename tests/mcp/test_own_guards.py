"""Each client against each SDK's own guard: what the harness can do before our guard comes in."""

import pytest
from programs import CLIENTS

OWN = ["mcp 2", "mcp 1", "fastmcp", "typescript 1", "typescript 2"]

# A guard of `mcp` 1.x adds a slash to an issuer that is a bare host; the clients of `mcp` 2.x compare it, as they must.
SLASH = {"mcp 2", "mcp 2, handshake", "fastmcp"}


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize("server_name", OWN)
def test_a_client_logs_in_and_calls(server, client, server_name, name):
    client = client(name, server(server_name, "own").url)
    opened = client.tell("open")
    if server_name == "mcp 1" and name in SLASH:
        assert "issuer mismatch" in opened["error"]
        return
    assert opened["ok"], opened
    assert opened["logins"] == 1
    assert client.tell("call list_orders") == {"ok": True, "text": "orders: 1, 2", "logins": 1}
    stored = client.tell("store")
    assert stored["tokens"]
    assert "read:orders" in stored["scope"].split()
    assert client.tell("close")["ok"]


def test_a_client_says_what_fails(client):
    client = client("mcp 2", "http://127.0.0.1:9/mcp")
    opened = client.tell("open")
    assert (opened["ok"], opened["logins"]) == (False, 0)
    assert client.tell("store")["tokens"] is False
