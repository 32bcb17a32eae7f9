"""A forward-auth service with the mistakes of real ones: each attack is seen to succeed where nothing stops it."""

import contextlib
import socket
import threading
from urllib.parse import parse_qs, urlsplit

from wire import read_headers


class Naive:
    """Answers every proxy at any endpoint. `subjects` are the tokens that it knows, each with its `sub`."""

    def __init__(self, subjects: dict[str, str]) -> None:
        self._subjects, self._cache = subjects, {}
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            stream, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(stream,), daemon=True).start()

    def _serve(self, stream: socket.socket) -> None:
        reader = stream.makefile("rb")
        # A proxy that ends may reset what it has kept open.
        with stream, contextlib.suppress(ConnectionResetError):
            while (line := reader.readline()).strip():
                method, target, _ = line.decode("latin-1").split(" ", 2)
                status, identity = self._judge(method, target, read_headers(reader))
                if "/deny" in target:
                    status = 403
                stream.sendall(f"HTTP/1.1 {status} -\r\n{identity}Content-Length: 0\r\n\r\n".encode())

    def _judge(self, method: str, target: str, headers: list[tuple[str, str]]) -> tuple[int, str]:
        seen = {name.lower(): value for name, value in reversed(headers)}
        # Whichever header names the request: CVE-2026-40575.
        path = seen.get("x-original-uri") or seen.get("x-forwarded-uri") or target.removeprefix("/forward-auth/envoy")
        method = seen.get("x-original-method") or seen.get("x-forwarded-method") or method
        # A policy in the query, which Caddy fills with the client's own.
        if parse_qs(urlsplit(target).query).get("scope") == ["none"]:
            return 200, ""
        # Every OPTIONS for a preflight; every probe for a friend: CVE-2026-34457.
        if method == "OPTIONS" or "kube-probe" in seen.get("user-agent", ""):
            return 200, ""
        # A prefix of the path as it came, and no identity headers where there is no identity.
        if path.startswith("/public/"):
            return 200, ""
        tokens = [value.removeprefix("Bearer ") for name, value in headers if name.lower() == "authorization"]
        for token in tokens:
            # A verdict that is remembered for the token alone: CVE-2021-32701.
            self._cache.setdefault(token, token in self._subjects)
            if self._cache[token]:
                return 200, f"X-Auth-Subject: {self._subjects[token]}\r\n"
        return 401, ""
