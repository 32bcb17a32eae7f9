"""One issuer, one application, and a gateway; in front of them each proxy in turn."""

import warnings

import pytest
from application import Application
from programs import PROXIES, Gateway, Issuer, Missing

# The gateway as a reverse proxy stands beside the others: nothing in front of it.
ITSELF = "reverse-proxy"


@pytest.fixture(scope="session")
def issuer():
    issuer = Issuer()
    yield issuer
    issuer.kill()


@pytest.fixture(scope="session")
def application():
    return Application()


@pytest.fixture(scope="session")
def gateway(issuer, tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("gateway"), issuer.url)
    yield gateway
    gateway.kill()


@pytest.fixture(scope="session")
def tokens(issuer):
    """Tokens by what they are for."""
    return {
        "read": issuer.token("read:orders"),
        "write": issuer.token("write:orders"),
        "admin": issuer.token("admin", sub="root"),
        "forged": issuer.token("read:orders", defect="signature_mismatch"),
        "expired": issuer.token("read:orders", defect="expired"),
    }


@pytest.fixture(scope="session")
def start(tmp_path_factory, gateway, application):
    """Starts a proxy by name; a missing one is a skip that says what to install."""
    started = []

    def start(name, *, to=None, change=lambda text: text):
        try:
            folder = tmp_path_factory.mktemp(name)
            proxy = PROXIES[name](folder, (to or gateway).port, application.port, change)
        except Missing as missing:
            warnings.warn(str(missing), stacklevel=2)
            pytest.skip(f"{name}: {missing}")
        started.append(proxy)
        return proxy

    yield start
    for proxy in started:
        proxy.kill()


@pytest.fixture(scope="session")
def running(start, issuer, application, tmp_path_factory):
    """A proxy by name, started once for all tests that leave it alone."""
    proxies = {}

    def running(name):
        if name not in proxies:
            if name == ITSELF:
                folder = tmp_path_factory.mktemp(name)
                proxies[name] = Gateway(folder, issuer.url, upstream=application.port)
            else:
                proxies[name] = start(name)
        return proxies[name]

    yield running
    if ITSELF in proxies:
        proxies[ITSELF].kill()


@pytest.fixture(params=[*PROXIES, ITSELF])
def proxy(request, running, application):
    """Each proxy in turn, in front of an application that has been asked nothing yet."""
    proxy = running(request.param)
    proxy.name = request.param
    application.take()
    return proxy
