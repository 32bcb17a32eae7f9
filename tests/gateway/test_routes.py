"""What a route says about encoded slashes, hosts and audiences, through each proxy."""

import re

import pytest
from conftest import ITSELF
from programs import PROXIES, Gateway
from wire import ask

ROUTES = """
[[routes]]
match = "GET /files/admin/*"
scopes = "admin"
[[routes]]
match = "GET /files/{id}"
encoded_slash = "allow"
scopes = "read:orders"
[[routes]]
match = "GET /where"
host = "admin.example.com"
scopes = "admin"
[[routes]]
match = "GET /where"
scopes = "read:orders"
[[routes]]
match = "GET /billing"
audience = "urn:billing"
"""


def with_both_hosts(text: str) -> str:
    """Caddy answers only for the hosts that its file names."""
    return re.sub(r"(http://)api(\.example\.com:\d+)", r"\1api\2, \1admin\2", text)


@pytest.fixture(scope="module")
def behind(issuer, application, start, tmp_path_factory):
    """A proxy by name, before a gateway with these routes."""
    gateways, proxies = {}, {}

    def gateway(upstream):
        if upstream not in gateways:
            gateways[upstream] = Gateway(tmp_path_factory.mktemp("routes"), issuer.url, upstream=upstream, more=ROUTES)
        return gateways[upstream]

    def behind(name):
        if name == ITSELF:
            return gateway(application.port)
        if name not in proxies:
            proxies[name] = start(name, to=gateway(None), change=with_both_hosts)
        return proxies[name]

    yield behind
    for started in gateways.values():
        started.kill()


@pytest.fixture(params=[*PROXIES, ITSELF])
def front(request, behind, application):
    front = behind(request.param)
    application.take()
    return front


def test_an_encoded_slash_arrives_as_it_was_sent(front, application, tokens):
    for target in ["/files/a%2Fb", "/files/@acme%2fpkg?x=%2F"]:
        assert ask(front.port, target, token=tokens["read"]).status == 200, target
        assert [received.target for received in application.take()] == [target]


def test_every_other_rule_stays(front, application, tokens):
    for target in [
        "/public/a%2Fb",
        "/files%2Fa",
        "/files/..%2fadmin",
        "/files/%2e%2e%2fadmin",
        "/files/a%2F%2Fb",
        "/files/a%5cb",
        "/files/a%252Fb",
        "/files/admin%2Fb",
    ]:
        assert ask(front.port, target, token=tokens["read"]).status == 400, target
    assert application.take() == []


def test_a_route_is_for_its_host_alone(front, application, tokens):
    for host in ["admin.example.com", "ADMIN.example.com", f"admin.example.com:{front.port}"]:
        assert ask(front.port, "/where", token=tokens["read"], host=host).status == 403, host
        assert ask(front.port, "/where", token=tokens["admin"], host=host).status == 200, host
    for host in ["api.example.com", "API.example.com", f"api.example.com:{front.port}"]:
        assert ask(front.port, "/where", token=tokens["read"], host=host).status == 200, host
        assert ask(front.port, "/where", token=tokens["admin"], host=host).status == 403, host
    assert len(application.take()) == 6


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Original-Host", "X_Forwarded_Host", "x.original.host"])
def test_a_client_does_not_choose_the_host(front, application, tokens, header):
    answer = ask(front.port, "/where", f"{header}: api.example.com", token=tokens["read"], host="admin.example.com")
    assert answer.status in {400, 403}
    assert application.take() == []


def test_a_token_for_the_api_opens_no_route_with_another_audience(front, application, tokens):
    answer = ask(front.port, "/billing", token=tokens["read"])
    assert answer.status == 401
    assert 'error="invalid_token"' in answer.all("WWW-Authenticate")[0]
    assert application.take() == []
