"""HTTP/1.1 as bytes: nothing is tidied up on the way."""

import json
import socket
from contextlib import closing
from dataclasses import dataclass

PATIENCE = 20.0  # seconds


@dataclass
class Answer:
    """What a client sees."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for own, value in self.headers if own.lower() == name.lower()]

    def one(self, name: str) -> str | None:
        values = self.all(name)
        assert len(values) <= 1, values
        return values[0] if values else None

    @property
    def code(self) -> str | None:
        """The `code` of a refusal of the gateway's."""
        try:
            return json.loads(self.body)["code"]
        except (ValueError, KeyError, TypeError):
            return None


def ask(
    port: int,
    target: str | bytes,
    *headers: str,
    method: str = "GET",
    token: str | None = None,
    host: str | None = "api.example.com",
    body: bytes = b"",
) -> Answer | None:
    """Sends one request on a connection of its own. `None` is a connection that was closed without an answer."""
    lines = [f"Host: {host}"] if host else []
    if token:
        lines.append(f"Authorization: Bearer {token}")
    lines += headers
    if not any(line.lower().startswith("connection:") for line in lines):
        lines.append("Connection: close")
    target = target if isinstance(target, bytes) else target.encode()
    head = method.encode() + b" " + target + b" HTTP/1.1\r\n" + "".join(f"{line}\r\n" for line in lines).encode()
    return exchange(port, head + b"\r\n" + body)


def exchange(port: int, request: bytes) -> Answer | None:
    """Sends these bytes, and reads the first answer."""
    with closing(socket.create_connection(("127.0.0.1", port), PATIENCE)) as stream:
        try:
            stream.sendall(request)
            return read_answer(stream.makefile("rb"), is_head=request.startswith(b"HEAD "))
        except ConnectionError:
            return None


def read_answer(stream, is_head: bool = False) -> Answer | None:
    line = stream.readline()
    if not line:
        return None
    status = int(line.split()[1])
    headers = read_headers(stream)
    if status == 100:
        return read_answer(stream, is_head)
    answer = Answer(status, headers, b"")
    if not is_head and status not in (204, 304):
        answer.body = read_body(stream, answer.headers)
    return answer


def read_headers(stream) -> list[tuple[str, str]]:
    headers = []
    while (line := stream.readline()) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name, value.strip()))
    return headers


def read_body(stream, headers: list[tuple[str, str]], until_end: bool = True) -> bytes:
    values = {name.lower(): value for name, value in headers}
    if "chunked" in values.get("transfer-encoding", "").lower():
        body = b""
        while size := int(stream.readline().split(b";")[0], 16):
            body += stream.read(size)
            stream.readline()
        headers += [(f"trailer:{name}", value) for name, value in read_headers(stream)]
        return body
    if "content-length" in values:
        return stream.read(int(values["content-length"]))
    return stream.read() if until_end else b""
