"""A gateway that reads its tokens from a header of their own, behind each proxy with the file printed for it."""

import subprocess

import pytest
from conftest import ITSELF
from programs import DOCS, GATEWAY, PROXIES, Gateway, Missing
from wire import ask

TOKEN_FROM = 'token_from = [{ header = "X-Token" }]\n'

# Traefik's double has no middleware but the one that asks, and the parts of nginx are printed from another file.
DIALECTS = {
    "nginx": "nginx",
    "nginx-debian": "nginx",
    "caddy": "caddy",
    "caddy-debian": "caddy",
    "envoy": "envoy",
    "envoy-grpc": "envoy-grpc",
}


class Elsewhere(Gateway):
    """A gateway that does not look at `Authorization`."""

    def write(self, change=lambda text: text):
        super().write(lambda text: TOKEN_FROM + change(text))


@pytest.fixture(scope="module", params=[*DIALECTS, ITSELF])
def proxy(request, issuer, application, tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    if request.param == ITSELF:
        gateway = proxy = Elsewhere(folder, issuer.url, upstream=application.port)
    else:
        gateway = Elsewhere(folder, issuer.url)
        settings = folder / "printed.toml"
        settings.write_text(TOKEN_FROM + (DOCS / "requires-auth.toml").read_text())

        class Printed(PROXIES[request.param]):
            def printed(self, name):
                command = [GATEWAY, "config", "emit", DIALECTS[request.param], settings]
                return subprocess.run(command, check=True, capture_output=True, text=True).stdout

        try:
            proxy = Printed(folder, gateway.port, application.port)
        except Missing as missing:
            gateway.kill()
            pytest.skip(f"{request.param}: {missing}")
    application.take()
    yield proxy
    proxy.kill()
    if proxy is not gateway:
        gateway.kill()


def test_the_application_gets_no_authorization_that_nobody_has_judged(proxy, application, tokens):
    good, forged = f"X-Token: {tokens['read']}", f"Bearer {tokens['forged']}"
    for other in (forged, f"bearer {tokens['admin']}", "Basic YWxpY2U6c2VjcmV0"):
        answer = ask(proxy.port, "/orders/1", good, f"Authorization: {other}")
        assert answer.status == 200, answer
        [received] = application.take()
        assert received.folded("Authorization") == []
        assert received.folded("X-Auth-Subject") == ["alice"]
    # A route that needs no token is no way around it.
    assert ask(proxy.port, "/public/1", f"Authorization: {forged}").status == 200
    [received] = application.take()
    assert received.folded("Authorization") == []
    # And what stands there opens nothing.
    assert ask(proxy.port, "/orders/1", token=tokens["read"]).status == 401
    assert application.take() == []


def test_without_the_setting_the_application_gets_the_token_that_was_judged(running, application, tokens):
    try:
        proxy = running("nginx-debian")
    except Missing as missing:
        pytest.skip(str(missing))
    application.take()
    assert ask(proxy.port, "/orders/1", token=tokens["read"]).status == 200
    [received] = application.take()
    assert received.folded("Authorization") == [f"Bearer {tokens['read']}"]
