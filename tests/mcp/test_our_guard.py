"""The clients against our guard: discovery, registration, login, a call, a step-up for a tool, and calls after it."""

import pytest
from guarded import GUARDED, lacks
from programs import CLIENTS, REFRESHES, started_once


@pytest.fixture(scope="module")
def guarded(folder):
    """A guarded server by name and issuer, started once."""

    def make(name, issuer):
        if lack := lacks(name):
            pytest.skip(f"{name} needs {lack}")
        return GUARDED[name](issuer, folder)

    with started_once(make) as start:
        yield start


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize("server", GUARDED)
def test_a_client_steps_up_for_a_tool(guarded, provider, client, server, name):
    client = client(name, guarded(server, provider.issuer).url)
    opened = client.tell("open")
    assert opened["ok"], opened
    assert client.tell("call list_orders") == {"ok": True, "text": "orders: 1, 2", "logins": 1}
    assert client.tell("call create_order") == {"ok": True, "text": "created: 3", "logins": 2}
    # Nothing that was granted is lost: neither tool asks again.
    assert client.tell("call list_orders") == {"ok": True, "text": "orders: 1, 2", "logins": 2}
    assert client.tell("call create_order") == {"ok": True, "text": "created: 3", "logins": 2}
    assert {"read:orders", "write:orders"} <= set(client.tell("store")["scope"].split())
    assert client.tell("close")["ok"]


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_with_a_refresh_token_steps_up(guarded, providers, client, name):
    client = client(name, guarded("mcp 2", providers("always").issuer).url)
    assert client.tell("open")["ok"]
    assert client.tell("call list_orders")["ok"]
    stepped = client.tell("call create_order")
    if name in REFRESHES:
        assert (stepped["ok"], stepped["logins"]) == (False, 1)
    else:
        assert stepped == {"ok": True, "text": "created: 3", "logins": 2}
    assert client.tell("call list_orders")["ok"]
