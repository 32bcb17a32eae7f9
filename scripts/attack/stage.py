"""An issuer, an application and a gateway with few files, and a stranger who wants to be served."""

import http.client
import http.server
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time

FILES = 1024
CONFIGURATION = """
[server]
listen = "127.0.0.1:0"
admin = "127.0.0.1:0"
[reverse_proxy]
upstream = "http://127.0.0.1:{port}"
[issuers.main]
issuer = "{issuer}"
audience = "https://api.example.com"
[[routes]]
match = "/orders/*"
scopes = "read:orders"
"""


class _Application(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = b"x" * (1_000_000 if self.path == "/orders/big" else 10)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        while self.rfile.readline():
            pass

    def log_message(self, *_: object) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A connection that the gateway gives up is what is to happen."""


class Stage:
    """What is attacked. It ends with the block that it is used in."""

    def __init__(self, binary: str) -> None:
        self._binary = binary
        self._children: list[subprocess.Popen[str]] = []
        self._folder = tempfile.TemporaryDirectory()

    def __enter__(self) -> "Stage":
        application = _Server(("127.0.0.1", 0), _Application)
        threading.Thread(target=application.serve_forever, daemon=True).start()
        self.issuer = self._start(["issuer", "--port", "0"], FILES)["issuer"]
        file = pathlib.Path(self._folder.name) / "gateway.toml"
        file.write_text(CONFIGURATION.format(port=application.server_port, issuer=self.issuer))
        addresses = self._start(["serve", str(file)], FILES)
        self.gateway = self._children[-1].pid
        self.listen, self.admin = (_address(addresses[name]) for name in ("listen", "admin"))
        self.token = self._token()
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children:
            child.send_signal(signal.SIGKILL)
            child.wait()
        self._folder.cleanup()

    def serves(self) -> str | None:
        """What is wrong with how a stranger is served; nothing if all is well."""
        begun = time.monotonic()
        try:
            status = _get(self.listen, "/orders/1", self.token)
            health = _get(self.admin, "/healthz", None)
        except OSError as error:
            return f"{error!r} after {time.monotonic() - begun:.1f} s"
        if (status, health) != (200, 200):
            return f"status {status}, admin page {health}"
        return None

    def fetches_keys(self) -> str | None:
        """What is wrong with a fetch of keys, which a token of an unknown key asks for."""
        before = self._fetches()
        _get(self.listen, "/orders/1", self._token("--defect", "key_unknown"))
        after = self._fetches()
        return None if after > before else f"{before:.0f} fetches before and {after:.0f} after"

    def megabytes(self) -> int:
        """The most memory that the gateway has had."""
        lines = pathlib.Path(f"/proc/{self.gateway}/status").read_text().splitlines()
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM:"))

    def files(self) -> int:
        """How many files the gateway has open."""
        return len(os.listdir(f"/proc/{self.gateway}/fd"))

    def _token(self, *more: str) -> str:
        command = [self._binary, "token", "--issuer", self.issuer, "--scope", "read:orders", *more]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout.strip()

    def _fetches(self) -> float:
        connection = http.client.HTTPConnection(*self.admin, timeout=5)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        lines = [line for line in text.splitlines() if line.startswith("requires_auth_key_fetch_total{") and 'result="ok"' in line]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def _start(self, args: list[str], files: int) -> dict[str, str]:
        child = subprocess.Popen(
            ["sh", "-c", f'ulimit -n {files} && exec "$0" "$@"', self._binary, *args, "--output", "json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._children.append(child)
        assert child.stdout is not None
        return json.loads(child.stdout.readline())


def _address(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("http://").split(":")
    return host, int(port)


def _get(address: tuple[str, int], path: str, token: str | None) -> int:
    connection = http.client.HTTPConnection(*address, timeout=5)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()
