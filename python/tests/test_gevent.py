"""Under gevent a fetch of keys lets other greenlets run: one thread serves all requests there."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from adapters import python

from requires_auth.testing import TestIssuer

pytest.importorskip("gevent")

PROGRAM = """
from gevent import monkey

monkey.patch_all()

import sys
import urllib.request

import gevent

from requires_auth import RequiresAuth, RequiresAuthError

issuer, audience, url, token = sys.argv[1:]
auth = RequiresAuth(issuer, audience, jwks_uri=url + "/jwks")


def verify():
    try:
        return auth.verify(token).sub
    except RequiresAuthError as error:
        return error.code


def other_request():
    return urllib.request.urlopen(url + "/other", timeout=20).status


waiting, other = gevent.spawn(verify), gevent.spawn(other_request)
gevent.joinall([waiting, other], timeout=30)
print(waiting.value, other.value)
"""


@pytest.fixture
def server() -> Iterator[tuple[str, TestIssuer]]:
    """A provider that gives its keys only after another request has come."""
    issuer, keys_asked, other_came = TestIssuer(), threading.Event(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/jwks":
                keys_asked.set()
                status, body = (200, issuer.jwks.encode()) if other_came.wait(4) else (500, b"")
            else:
                status, body = (200 if keys_asked.wait(15) else 500), b""
                other_came.set()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_address[1]}", issuer
        listening.shutdown()


def test_a_fetch_of_keys_lets_other_greenlets_run(server: tuple[str, TestIssuer], tmp_path: Path) -> None:
    url, issuer = server
    command = python("-c", PROGRAM, issuer.issuer, issuer.audience, url, issuer.token(sub="bob"))
    # Elsewhere than beside the sources, which would be imported instead of the installed package.
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert ran.stdout.split() == ["bob", "200"], ran.stderr
