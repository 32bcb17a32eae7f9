"""The clients log in at `requires-auth issuer`, which is an authorization server for development."""

import pytest
from gateways import COMMAND
from guarded import GUARDED, lacks
from programs import CLIENTS, Program, free_port, missing

SERVER = "rmcp"


class DevelopmentIssuer(Program):
    """`requires-auth issuer`."""

    def __init__(self, folder):
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}/oidc"
        scopes = ["--scope", "read:orders write:orders"]
        super().__init__([str(COMMAND), "issuer", "--port", str(self.port), *scopes], folder, "development-issuer")


@pytest.fixture(scope="module")
def guarded(folder):
    for lack in (lacks(SERVER), missing([str(COMMAND)])):
        if lack:
            pytest.skip(f"it needs {lack}")
    issuer = DevelopmentIssuer(folder)
    issuer.start(issuer.port)
    guarded = GUARDED[SERVER](issuer.issuer, folder)
    guarded.start()
    yield guarded
    guarded.stop()
    issuer.stop()


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_logs_in_and_steps_up(guarded, client, name):
    client = client(name, guarded.url)
    opened = client.tell("open")
    assert opened["ok"], opened
    assert client.tell("call list_orders") == {"ok": True, "text": "orders: 1, 2", "logins": 1}
    assert client.tell("call create_order") == {"ok": True, "text": "created: 3", "logins": 2}
    assert client.tell("call list_orders")["ok"]
    assert client.tell("close")["ok"]
