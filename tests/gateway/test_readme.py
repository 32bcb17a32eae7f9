"""The README's section on the gateway, pasted into a shell as it stands."""

import os
import re
import signal
import socket
import subprocess
import time

import pytest
from programs import GATEWAY, ROOT, SYSTEM, Missing, find
from wire import PATIENCE, ask


def section() -> list[str]:
    """Its commands; the two that ask come last."""
    text = (ROOT / "README.md").read_text()
    _, _, text = text.partition("## Protect any other API")
    return re.search(r"```sh\n(.*?)```", text, re.S)[1].strip().splitlines()


def wait_for(port: int, shell: subprocess.Popen) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and shell.poll() is None:
        with socket.socket() as stream:
            if stream.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}: {shell.poll() is not None and shell.stderr.read()}")


def is_free(port: int) -> bool:
    with socket.socket() as stream:
        return stream.connect_ex(("127.0.0.1", port)) != 0


def test_the_section_protects_a_stock_server(tmp_path):
    try:
        find("nginx", "apt-get install nginx-light", SYSTEM)
    except Missing as missing:
        pytest.skip(str(missing))
    if os.geteuid() != 0:
        pytest.skip("skipped: the README needs root, since Debian's nginx keeps its files where only root may write")
    ports = [8000, 8080, 9100, 9180]
    if taken := [port for port in ports if not is_free(port)]:
        pytest.skip(f"skipped: the README needs port {taken[0]}, which is taken")
    *setup, refused, allowed = section()
    assert refused.startswith("curl -i ")
    assert allowed.startswith("curl -H ")
    environment = {**os.environ, "PATH": f"{GATEWAY.resolve().parent}:{os.environ['PATH']}"}

    started = time.monotonic()
    # Whoever is root needs no sudo. A reader pastes line by line, and sees each begin.
    lines = [line.replace("sudo ", "") for line in setup]
    waits = {8080: "http.server", 9100: "issuer &", 9180: "serve gateway"}
    script = []
    for line in lines:
        script.append(line)
        script += [
            f"until python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", {port}))'; do sleep 0.1; done"
            for port, mark in waits.items()
            if mark in line and line.split("#")[0].rstrip().endswith("&")
        ]
    shell = subprocess.Popen(
        ["sh", "-ec", "\n".join([*script, "wait"])],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        wait_for(8000, shell)
        said = subprocess.run(["sh", "-c", refused], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert said.stdout.startswith("HTTP/1.1 401 "), said
        assert "auth.authorization_header_missing" in said.stdout
        said = subprocess.run(["sh", "-c", allowed], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert said.stdout == '{"id": 1}\n', said
        assert ask(8000, "/orders/..%2f..%2fetc/passwd").status == 400
        assert time.monotonic() - started < 120, "it says two minutes"
    finally:
        subprocess.run(["nginx", "-c", tmp_path / "nginx.conf", "-s", "quit"], env=environment, check=False)
        os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()
        shell.stderr.close()
