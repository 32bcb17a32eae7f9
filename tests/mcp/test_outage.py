"""The provider is stopped: the guard answers 503, and no client forgets its login."""

import time

import pytest
from guarded import GUARDED, lacks
from programs import CLIENTS, Provider
from tokens import Mint, write_keys
from wire import bearer, initialize

RECOVERY = 30  # seconds, in which a guard has asked the provider again


# Every client at one server, and two of another make at the others.
TRIED = [
    (server, name) for server in GUARDED for name in CLIENTS if server == "mcp 2" or name in ("mcp 2", "typescript 1")
]


@pytest.fixture
def stopped(server, folder):
    """A provider and a guarded server, of which both can be stopped."""
    if lack := lacks(server):
        pytest.skip(f"{server} needs {lack}")
    provider = Provider(folder)
    write_keys(provider.keys)
    provider.start()
    guarded = GUARDED[server](provider.issuer, folder)
    guarded.start()
    yield provider, guarded
    guarded.stop()
    provider.stop()


@pytest.mark.parametrize(("server", "name"), TRIED)
def test_an_outage_logs_nobody_out(stopped, client, name):
    provider, guarded = stopped
    client = client(name, guarded.url)
    assert client.tell("open")["ok"]
    assert client.tell("call list_orders")["ok"]
    before = client.tell("store")
    assert client.tell("close")["ok"]

    # A guard that has just started has no keys yet.
    provider.stop()
    guarded.stop()
    guarded.start()
    token = Mint(provider.keys, provider.issuer, guarded.resource).token()
    assert initialize(guarded.url, bearer(token)).status == 503
    opened = client.tell("open")
    assert (opened["ok"], opened["logins"]) == (False, 1), opened
    during = client.tell("store")
    assert during == before

    provider.start()
    until = time.monotonic() + RECOVERY
    while not (opened := client.tell("open"))["ok"] and time.monotonic() < until:
        time.sleep(0.5)
    assert (opened["ok"], opened["logins"]) == (True, 1), opened
    assert client.tell("call list_orders") == {"ok": True, "text": "orders: 1, 2", "logins": 1}
    assert client.tell("store") == before
