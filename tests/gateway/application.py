"""The application behind the proxies: it says what has reached it."""

import json
import socket
import threading
from dataclasses import dataclass, field

from wire import read_body, read_headers


@dataclass
class Received:
    """A request as it came over the wire."""

    method: str
    target: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        return [value for own, value in self.headers if own.lower() == name.lower()]

    def folded(self, name: str) -> list[str]:
        """The values that an application sees under this name if it reads headers as CGI and WSGI do, trailers too."""

        def fold(text: str) -> str:
            return text.lower().removeprefix("trailer:").replace("_", "-").replace(".", "-")

        return [value for own, value in self.headers if fold(own) == fold(name)]


class Application:
    """Listens on loopback until the tests end."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._received: list[Received] = []
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def take(self) -> list[Received]:
        """What has reached it since the last time."""
        with self._lock:
            received, self._received = self._received, []
        return received

    def _accept(self) -> None:
        while True:
            stream, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(stream,), daemon=True).start()

    def _serve(self, stream: socket.socket) -> None:
        reader = stream.makefile("rb")
        try:
            while (line := reader.readline()).strip():
                method, target, _ = line.decode("latin-1").split(" ", 2)
                request = Received(method, target, read_headers(reader))
                request.body = read_body(reader, request.headers, until_end=False)
                with self._lock:
                    self._received.append(request)
                body = json.dumps({"path": target}).encode()
                head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                stream.sendall(head.encode() + (b"" if method == "HEAD" else body))
        except (OSError, ValueError):
            pass
        finally:
            stream.close()
