"""A gateway that reads its tokens from a header of their own, behind each proxy with the file printed for it."""

import pytest
from conftest import DIALECTS, ITSELF, with_other_settings
from programs import Gateway, Missing
from wire import ask

TOKEN_FROM = 'token_from = [{ header = "X-Token" }]\n'


class Elsewhere(Gateway):
    """A gateway that does not look at `Authorization`."""

    def write(self, change=lambda text: text):
        super().write(lambda text: TOKEN_FROM + change(text))


@pytest.fixture(scope="module", params=[*DIALECTS, ITSELF])
def proxy(request, issuer, application, tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")

    def gateway(**more):
        return Elsewhere(folder, issuer.url, **more)

    with with_other_settings(request.param, folder, application, gateway, lambda text: TOKEN_FROM + text) as proxy:
        yield proxy


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
