"""One issuer, one application, and a gateway; in front of them each proxy in turn."""

import contextlib
import subprocess
import warnings

import pytest
from application import Application
from programs import DOCS, GATEWAY, PROXIES, Gateway, Issuer, Missing

# The gateway as a reverse proxy stands beside the others: nothing in front of it.
ITSELF = "reverse-proxy"

# The dialect of each proxy whose file can be printed from other settings. Traefik's double has one router and no
# middleware but the one that asks, and the parts of nginx are printed from a file of their own.
DIALECTS = {
    "nginx": "nginx",
    "nginx-debian": "nginx",
    "caddy": "caddy",
    "caddy-debian": "caddy",
    "haproxy": "haproxy",
    "envoy": "envoy",
    "envoy-grpc": "envoy-grpc",
}


@contextlib.contextmanager
def with_other_settings(name, folder, application, gateway, change):
    """A proxy of `DIALECTS` before `gateway()`, with the file printed from settings with this change, or `ITSELF`."""
    if name == ITSELF:
        proxy = gateway(upstream=application.port)
        started = [proxy]
    else:
        started = [gateway()]
        settings = folder / "printed.toml"
        settings.write_text(change((DOCS / "requires-auth.toml").read_text()))

        class Printed(PROXIES[name]):
            def printed(self, _name):
                command = [GATEWAY, "config", "emit", DIALECTS[name], settings]
                return subprocess.run(command, check=True, capture_output=True, text=True).stdout

        try:
            proxy = Printed(folder, started[0].port, application.port)
        except Missing as missing:
            started[0].kill()
            pytest.skip(f"{name}: {missing}")
        started.append(proxy)
    application.take()
    yield proxy
    for program in reversed(started):
        program.kill()


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
