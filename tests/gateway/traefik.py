"""A double of Traefik's `ForwardAuth`, for want of a package with the real one: `python traefik.py PORT FILE`.

It does what forward.go and the entry point of Traefik v3.7 do, as far as a guard can notice it:

- The entry point takes out what `Connection` names, cleans the path (dot segments, double slashes, encoded letters),
  and lets `%2F`, `%5C`, `%00`, `%3B`, `%25`, `%3F` and `%23` pass.
- The question is a GET of the address with the client's headers, without what is for one connection, and with
  X-Forwarded-Method, -Proto, -Port, -Host, -Uri and -For of its own, since `trustForwardHeader` is false.
- 200 to 299 is an allow: each of `authResponseHeaders` is deleted from the request and then set from the answer. Any
  other answer goes to the client as it is. No answer is 500.
"""

import posixpath
import re
import socket
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

from wire import read_answer, read_body, read_headers

HOP_BY_HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
}  # fmt: skip
MANAGED = re.compile(r"x-forwarded-(for|host|method|port|proto|server|uri|prefix)|x-real-ip", re.I)
UNRESERVED = re.compile(r"%([46][1-9A-Fa-f]|[57][0-9Aa]|3[0-9]|2[DdEe]|5[Ff]|7[Ee])")

Headers = list[tuple[str, str]]


class Settings:
    """What the file says. It is read by eye: the tests need no YAML for the one file that they have."""

    def __init__(self, text: str) -> None:
        address = re.search(r'address: "http://([^:/"]+):(\d+)(/[^"]*)"', text)
        application = re.search(r'url: "http://([^:/"]+):(\d+)"', text)
        assert address is not None, text
        assert application is not None, text
        self.auth = (address[1], int(address[2]))
        self.auth_path = address[3]
        self.application = (application[1], int(application[2]))
        self.copied = re.findall(r'^ +- "([\w-]+)"$', text, re.M)
        self.trusts = "trustForwardHeader: true" in text


def without(headers: Headers, *names: str) -> Headers:
    gone = {name.lower() for name in names}
    return [(name, value) for name, value in headers if name.lower() not in gone]


def values(headers: Headers, name: str) -> list[str]:
    return [value for own, value in headers if own.lower() == name.lower()]


def clean(target: str) -> str:
    """The path as the entry point passes it on."""
    if target.startswith("http://"):
        parts = urlsplit(target)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    path, mark, query = target.partition("?")
    path = UNRESERVED.sub(lambda found: chr(int(found[1], 16)), path)
    if path.startswith("/"):
        ends_with_slash = path.endswith(("/", "/.", "/.."))
        path = posixpath.normpath("/" + path.lstrip("/"))
        path += "/" if ends_with_slash and path != "/" else ""
    return path + mark + query


def send(place: tuple[str, int], method: str, target: str, headers: Headers, body: bytes):
    with socket.create_connection(place, 30) as stream:
        lines = "".join(f"{name}: {value}\r\n" for name, value in [*headers, ("Connection", "close")])
        stream.sendall(f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body)
        return read_answer(stream.makefile("rb"), is_head=method == "HEAD")


def handle(settings: Settings, method: str, target: str, headers: Headers, body: bytes):
    for name in ",".join(values(headers, "Connection")).split(","):
        headers = without(headers, name.strip())
    headers = [header for header in headers if header[0].lower() not in HOP_BY_HOP]
    target = clean(target)
    host = (values(headers, "Host") or [""])[0]
    kept = headers if settings.trusts else [header for header in headers if not MANAGED.fullmatch(header[0])]
    own = [
        ("X-Forwarded-Method", method),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Port", "80"),
        ("X-Forwarded-Host", host),
        ("X-Forwarded-Uri", target),
        ("X-Forwarded-For", "127.0.0.1"),
    ]
    if settings.trusts:
        own = [(name, (values(kept, name) or [value])[0]) for name, value in own]
    question = without(kept, "Content-Length", *(name for name, _ in own)) + own
    try:
        answer = send(settings.auth, "GET", settings.auth_path, question, b"")
    except OSError:
        answer = None
    if answer is None:
        return 500, [], b""
    if not 200 <= answer.status <= 299:
        return answer.status, answer.headers, answer.body
    onward = without(kept, *settings.copied, "Content-Length")
    onward += [(name, value) for name in settings.copied for value in values(answer.headers, name)]
    if body:
        onward.append(("Content-Length", str(len(body))))
    answer = send(settings.application, method, target, onward, body)
    return (answer.status, answer.headers, answer.body) if answer else (502, [], b"")


def serve(settings: Settings, stream: socket.socket) -> None:
    reader = stream.makefile("rb")
    with stream:
        try:
            method, target, _ = reader.readline().decode("latin-1").split(" ", 2)
            headers = read_headers(reader)
            # Go prefers `Transfer-Encoding`, refuses two lengths, and drops trailers that middleware sets.
            lengths = set(values(headers, "Content-Length"))
            if len(lengths) > 1 or len(values(headers, "Host")) != 1:
                status, headers, body = 400, [], b""
            else:
                body = read_body(reader, headers, until_end=False)
                headers = [header for header in headers if not header[0].startswith("trailer:")]
                status, headers, body = handle(settings, method, target, headers, body)
        except (OSError, ValueError):
            status, headers, body = 400, [], b""
        headers = [header for header in headers if header[0].lower() not in HOP_BY_HOP | {"content-length"}]
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        head = f"HTTP/1.1 {status} -\r\n{lines}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        stream.sendall(head.encode("latin-1") + body)


def main() -> None:
    settings = Settings(Path(sys.argv[2]).read_text())
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=128)
    while True:
        stream, _ = listener.accept()
        threading.Thread(target=serve, args=(settings, stream), daemon=True).start()


if __name__ == "__main__":
    main()
