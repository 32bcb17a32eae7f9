"""Tokens that are bound to a key, through each proxy with the file printed for them: a proof counts once, and for the
gateway alone.
"""

import subprocess

import pytest
from conftest import DIALECTS, ITSELF, with_other_settings
from programs import GATEWAY, Gateway
from wire import ask

URL = "https://api.example.com"
SETTINGS = 'public_url = "https://api.example.com"\ndpop = "allowed"\n'


class Proven(Gateway):
    """A gateway whose clients may hold a key."""

    def write(self, change=lambda text: text):
        super().write(lambda text: SETTINGS + change(text))


@pytest.fixture(scope="module", params=[*DIALECTS, ITSELF])
def proxy(request, issuer, application, tmp_path_factory):
    folder = tmp_path_factory.mktemp("proven")

    def gateway(**more):
        return Proven(folder, issuer.url, **more)

    with with_other_settings(request.param, folder, application, gateway, lambda text: SETTINGS + text) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def client(issuer, tmp_path_factory):
    """A client: its token, and a function that makes a proof."""
    key = tmp_path_factory.mktemp("client") / "client.pem"
    run = [str(GATEWAY), "token", "--issuer", issuer.url, "--scope", "read:orders", "--dpop", str(key), "--new-key"]
    token = subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip()

    def proof(path, method="GET"):
        command = [str(GATEWAY), "proof", "--key", str(key), method, URL + path, "--token", token]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    return token, proof


def test_a_proof_counts_once_and_does_not_reach_the_application(proxy, application, client):
    token, proof = client
    own = [f"Authorization: DPoP {token}", f"DPoP: {proof('/orders/1')}"]
    assert ask(proxy.port, "/orders/1?page=2", *own).status == 200
    [received] = application.take()
    assert received.folded("DPoP") == []
    assert received.folded("X-Auth-Subject") == ["alice"]
    copied = ask(proxy.port, "/orders/1", *own)
    assert copied.status == 401
    assert b"proof_reused" in copied.body
    other = ask(proxy.port, "/orders/2", own[0], f"DPoP: {proof('/orders/1')}")
    assert other.status == 401
    assert b"proof_url" in other.body
    stolen = ask(proxy.port, "/orders/1", token=token)
    assert stolen.status == 401
    assert b"binding_mismatch" in stolen.body
    assert application.take() == []
