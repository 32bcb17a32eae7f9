#!/usr/bin/env python3
"""Prints what the command costs before it has anything to do: its size, its start, and its memory while idle.

    scripts/measure-dist.py [COMMAND]       dist/requires-auth, unless another is named
    scripts/measure-dist.py --starts 30     the median of so many starts

The gateway has a key set of a file, and no network but loopback. The start is from the call that makes the process
until the answer to the first question of nginx's, 401; idle is ten seconds later. Needs Python 3.10 and nothing else.
Measure on a machine that does nothing else.
"""

import argparse
import json
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IDLE = 10.0  # seconds
MOST_BYTES, MOST_MILLISECONDS, MOST_MEBIBYTES = 13_000_000, 20, 12

CONFIGURATION = """
[issuers.main]
issuer = "https://issuer.example.com"
audience = "https://api.example.com"
jwks = "{keys}"

[server]
listen = "127.0.0.1:{port}"
admin = "127.0.0.1:{admin}"

[forward_auth]
dialects = ["nginx"]

[[routes]]
match = "GET /orders"
scopes = ["read:orders"]
"""

QUESTION = (
    b"GET /forward-auth/nginx HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nX-Original-Method: GET\r\n"
    b"X-Original-URI: /orders\r\nX-Original-Host: api.example.com\r\nX-Original-Proto: https\r\n\r\n"
)
ALIVE = b"GET /healthz HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n"


def key_set(command: Path) -> str:
    """A fresh key, of a development issuer that nobody sees again."""
    issuer = [command, "issuer", "--port", "0", "--output", "json"]
    with subprocess.Popen(issuer, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        try:
            url = json.loads(process.stdout.readline())["jwks_uri"]
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.read().decode()
        finally:
            process.terminate()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def ask(port: int, question: bytes) -> bytes:
    """The first bytes of the answer; asks again until somebody listens."""
    until = time.monotonic() + 2
    while time.monotonic() < until:
        try:
            with socket.create_connection(("127.0.0.1", port), 10) as stream:
                stream.sendall(question)
                return stream.recv(1024)
        except ConnectionRefusedError:
            time.sleep(0.0002)
    raise TimeoutError(f"nobody listens on {port}")


def status(pid: int, name: str) -> float:
    """A line of the process's status, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


class Gateway:
    """The gateway, started, and stopped at the end of the block."""

    def __init__(self, command: Path, folder: Path) -> None:
        self.port, self.admin = free_port(), free_port()
        keys, file = folder / "keys.json", folder / "gateway.toml"
        file.write_text(CONFIGURATION.format(keys=keys, port=self.port, admin=self.admin))
        self._arguments = [command, "serve", file]
        self._log = (folder / "log").open("w+b")

    def __enter__(self) -> "Gateway":
        self.started = time.perf_counter()
        self.process = subprocess.Popen(self._arguments, stderr=self._log, stdin=subprocess.DEVNULL)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        ended = self.process.wait(10)
        self._log.seek(0)
        said = self._log.read().decode()
        self._log.close()
        if ended != 0:
            raise RuntimeError(f"it does not end in good order:\n{said}")


def start(command: Path, folder: Path, admin: bool) -> float:
    """Milliseconds from nothing to the first answer."""
    with Gateway(command, folder) as gateway:
        answer = ask(gateway.admin, ALIVE) if admin else ask(gateway.port, QUESTION)
        taken = (time.perf_counter() - gateway.started) * 1000
    expected = b"HTTP/1.1 200 " if admin else b"HTTP/1.1 401 "
    if not answer.startswith(expected):
        raise RuntimeError(f"an answer that was not expected: {answer!r}")
    return taken


def idle(command: Path, folder: Path) -> dict[str, float]:
    """MiB of memory, after one answer and ten seconds."""
    with Gateway(command, folder) as gateway:
        ask(gateway.port, QUESTION)
        time.sleep(IDLE)
        return {name: status(gateway.process.pid, name) for name in ("VmRSS", "RssAnon", "RssFile", "VmHWM")}


def main() -> None:
    """Prints a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", type=Path, nargs="?", default=ROOT / "dist" / "requires-auth")
    parser.add_argument("--starts", type=int, default=30)
    arguments = parser.parse_args()
    command = arguments.command.resolve()
    print(f"size    {command.stat().st_size / 1e6:.2f} MB (at most {MOST_BYTES / 1e6:.0f})")
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "keys.json").write_text(key_set(command))
        for text, admin in (("the first answer to nginx", False), ("/healthz", True)):
            taken = sorted(start(command, Path(name), admin) for _ in range(arguments.starts))
            print(
                f"start   {statistics.median(taken):.1f} ms until {text} (at most {MOST_MILLISECONDS}); "
                f"{taken[0]:.1f} to {taken[-1]:.1f} in {len(taken)} starts"
            )
        memory = idle(command, Path(name))
    details = ", ".join(f"{name} {value:.1f}" for name, value in memory.items())
    print(f"memory  {memory['VmRSS']:.1f} MiB while idle (at most {MOST_MEBIBYTES}); {details}")


if __name__ == "__main__":
    main()
