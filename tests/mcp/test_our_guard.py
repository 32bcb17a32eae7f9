"""The clients against our guard: discovery, registration, login, a call, a step-up for a tool, and calls after it."""

import pytest
from programs import CLIENTS, Server

# Servers, and how our guard stands before each.
GUARDED = [("mcp 2", "stand-in"), ("mcp 1", "stand-in")]


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize(("server_name", "guard"), GUARDED)
def test_a_client_steps_up_for_a_tool(server, client, server_name, guard, name):
    client = client(name, server(server_name, guard).url)
    assert client.tell("open")["ok"]
    assert client.tell("call list_orders") == {"ok": True, "text": "orders: 1, 2", "logins": 1}
    assert client.tell("call create_order") == {"ok": True, "text": "created: 3", "logins": 2}
    # Nothing that was granted is lost: neither tool asks again.
    assert client.tell("call list_orders") == {"ok": True, "text": "orders: 1, 2", "logins": 2}
    assert client.tell("call create_order") == {"ok": True, "text": "created: 3", "logins": 2}
    assert {"read:orders", "write:orders"} <= set(client.tell("store")["scope"].split())
    assert client.tell("close")["ok"]


# On a 403 the TypeScript SDK 1.x refreshes its token, which brings no new scope, and gives up. No guard can help it;
# where this fails, it has learned to ask.
REFRESHES = {"typescript 1"}


@pytest.fixture(scope="module")
def with_refresh_tokens(providers, folder):
    server = Server(*GUARDED[0], providers("always").issuer, folder)
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_with_a_refresh_token_steps_up(with_refresh_tokens, client, name):
    client = client(name, with_refresh_tokens.url)
    assert client.tell("open")["ok"]
    assert client.tell("call list_orders")["ok"]
    stepped = client.tell("call create_order")
    if name in REFRESHES:
        assert (stepped["ok"], stepped["logins"]) == (False, 1)
    else:
        assert stepped == {"ok": True, "text": "created: 3", "logins": 2}
    assert client.tell("call list_orders")["ok"]
