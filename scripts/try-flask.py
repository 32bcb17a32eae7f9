"""Starts `app.py` of this folder by `flask run` and asks it: part of `scripts/try-wheel.sh`.

Whose tokens it takes is an issuer of the package itself, on loopback. Exits 1 if an answer is not the right one.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from requires_auth._core import TestIssuer

START_SECONDS = 30


def main() -> None:
    """Starts the issuer and the server, and stops the server again."""
    issuer = TestIssuer("https://api.example.com")
    url = issuer.serve()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {"REQUIRES_AUTH_ISSUER": url, "REQUIRES_AUTH_AUDIENCE": issuer.audience}
    command = [sys.executable, "-m", "flask", "--app", "app", "run", "--port", str(port)]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        await_port(port, server)
        judge(f"http://127.0.0.1:{port}/user/info", issuer)
    finally:
        server.terminate()
        server.wait(10)


def await_port(port: int, server: "subprocess.Popen[bytes]") -> None:
    """Returns once it listens; ends the process with what it printed if it does not."""
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    server.kill()
    sys.exit(f"flask does not listen: {server.communicate()[1].decode()}")


def judge(url: str, issuer: TestIssuer) -> None:
    """Asks without a token, with an expired and with a good one."""
    good, expired = issuer.token(scope="read:orders"), issuer.token(defect="expired")
    for name, token, status, member, value in (
        ("no token", None, 401, "code", "auth.authorization_header_missing"),
        ("expired", expired, 401, "reason", "expired"),
        ("good", good, 200, "sub", "alice"),
    ):
        found, body = ask(url, token)
        print(f"{name}: {found} {body}")
        if (found, body.get(member)) != (status, value):
            sys.exit(f"{name}: expected {status} with {member} {value}")


def ask(url: str, token: "str | None") -> "tuple[int, dict[str, object]]":
    """The status of an answer, and its body."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


if __name__ == "__main__":
    main()
