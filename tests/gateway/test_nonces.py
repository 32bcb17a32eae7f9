"""The nonce that clients are to use from now on (RFC 9449, 8.2): it goes from an answer of the gateway that lets a
request through to that of the application. A real gateway has a new one each minute, so a double stands in for it here.
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import with_other_settings
from wire import ask

NONCES = 'dpop = { mode = "allowed", nonce_secret = { env = "TEST_NONCE_SECRET" } }\n'
SETTINGS = 'public_url = "https://api.example.com"\n' + NONCES
PROXIES = ["nginx", "nginx-debian", "caddy", "caddy-debian", "haproxy", "envoy"]


class Answering(BaseHTTPRequestHandler):
    """Lets every request through, with a nonce where its path asks for one."""

    def do_GET(self):
        asked = " ".join([self.path, *self.headers.values()])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.send_header("X-Auth-Subject", "alice")
        if "/new" in asked:
            self.send_header("DPoP-Nonce", "the-next-one")
        self.end_headers()

    def log_message(self, *_):
        pass


class Double:
    """What stands in for the gateway."""

    def __init__(self):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def kill(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module", params=PROXIES)
def proxy(request, application, tmp_path_factory):
    folder = tmp_path_factory.mktemp("nonces")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_NONCE_SECRET", "a text that nobody can guess, of 32 letters")
        with with_other_settings(request.param, folder, application, Double, lambda text: SETTINGS + text) as proxy:
            yield proxy


def test_the_answer_has_the_nonce_of_the_gateway_and_no_other(proxy, application):
    answer = ask(proxy.port, "/orders/new")
    assert (answer.status, answer.all("DPoP-Nonce")) == (200, ["the-next-one"])
    forged = ask(proxy.port, "/orders/new", "DPoP-Nonce: of-the-client")
    assert (forged.status, forged.all("DPoP-Nonce")) == (200, ["the-next-one"])
    for headers in ([], ["DPoP-Nonce: of-the-client"]):
        answer = ask(proxy.port, "/orders/1", *headers)
        assert (answer.status, answer.all("DPoP-Nonce")) == (200, [])
    received = application.take()
    assert [one.folded("X-Auth-Subject") for one in received] == [["alice"]] * 4
