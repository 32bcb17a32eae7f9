"""The clients against our guard: discovery, registration, login, a call, a step-up for a tool, and calls after it."""

import pytest
from guarded import GUARDED, lacks
from programs import CLIENTS, REFRESHES


@pytest.fixture(scope="module")
def guarded(provider, folder):
    """A guarded server by name, started once."""
    running = {}

    def start(name, issuer=provider.issuer):
        if lack := lacks(name):
            pytest.skip(f"{name} needs {lack}")
        if (name, issuer) not in running:
            started = GUARDED[name](issuer, folder)
            started.start()
            running[name, issuer] = started
        return running[name, issuer]

    yield start
    for started in running.values():
        started.stop()


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize("server", GUARDED)
def test_a_client_steps_up_for_a_tool(guarded, client, server, name):
    client = client(name, guarded(server).url)
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
