"""The first two minutes with Python and with the gateway: what the start pages show is what a reader gets."""

from __future__ import annotations

import json
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import shell
from blocks import Block, blocks

PATIENCE = 60
PORT_IN_PAGES = "localhost:8000"


@dataclass(frozen=True)
class Shown:
    """A command of a page, and what it is shown to print."""

    command: str
    lines: list[str]


def of(page: str, language: str) -> list[Block]:
    return [block for block in blocks(language) if block.page == page]


def shown(page: str) -> list[Shown]:
    """The commands of the consoles of a page that ask the server of the page."""
    found: list[Shown] = []
    for block in of(page, "console"):
        for line in block.text.splitlines():
            if line.startswith("$ "):
                found.append(Shown(line[2:], []))
            elif line.strip():
                found[-1].lines.append(line)
    return [one for one in found if PORT_IN_PAGES in one.command]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as stream:
        return stream.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(command: list[str], port: int, folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """A server on loopback, until the end of the context."""
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=(folder / "said.txt").open("w")
    ) as process:
        try:
            until = time.monotonic() + PATIENCE
            while not listens(port):
                assert process.poll() is None, (folder / "said.txt").read_text()
                assert time.monotonic() < until, "it does not listen"
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


def ask(one: Shown, port: int, folder: Path, environment: dict[str, str]) -> str:
    command = one.command.replace(PORT_IN_PAGES, f"127.0.0.1:{port}").replace("curl ", "curl -s ")
    return printed_by(command, folder, environment)


def printed_by(script: str, folder: Path, environment: dict[str, str]) -> str:
    """What a script of the shell prints."""
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.stdout


def missing(lines: list[str], printed: str) -> list[str]:
    """The lines of a page that are not printed; JSON may be written in another way, and a header in another case."""

    def plain(line: str) -> str:
        line = line.strip()
        return json.dumps(json.loads(line), sort_keys=True) if line.startswith("{") else line.lower()

    found = {plain(line) for line in printed.splitlines() if line.strip()}
    return [line for line in lines if plain(line) not in found]


@pytest.fixture
def environment(command: str, issuer: shell.Issuer, tmp_path: Path) -> dict[str, str]:
    if not shutil.which("curl"):
        pytest.skip("the consoles need curl (apt-get)")
    [block] = shell.a_block("requires-auth token")
    shell.prepare(block, command, issuer, tmp_path)
    return shell.environment(issuer, tmp_path)


def answers_as_shown(page: str, port: int, folder: Path, environment: dict[str, str], counts: Counter[str]) -> None:
    asked = shown(page)
    assert len(asked) >= 3
    for one in asked:
        printed = ask(one, port, folder, environment)
        assert missing(one.lines, printed) == [], f"{page}\n{one.command}\n{printed}"
        counts["commands of consoles that printed what is shown"] += 1


def test_python(environment: dict[str, str], tmp_path: Path, counts: Counter[str]) -> None:
    pytest.importorskip("requires_auth.flask")
    page, port = "docs/start/python.md", free_port()
    (tmp_path / "app.py").write_text(of(page, "python")[0].text)
    command = shlex.split(f"{sys.executable} -m flask --app app run --port {port}")
    with running(command, port, tmp_path, environment):
        answers_as_shown(page, port, tmp_path, environment, counts)


def test_gateway(
    command: str, issuer: shell.Issuer, environment: dict[str, str], tmp_path: Path, counts: Counter[str]
) -> None:
    page, port, upstream = "docs/start/gateway.md", free_port(), free_port()
    text = of(page, "toml")[0].text
    replaced = {
        "http://127.0.0.1:9100/oidc": issuer.url,
        "127.0.0.1:8000": f"127.0.0.1:{port}",
        "127.0.0.1:8080": f"127.0.0.1:{upstream}",
        "127.0.0.1:9181": f"127.0.0.1:{free_port()}",
    }
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "gateway.toml").write_text(text)
    (tmp_path / "api" / "orders").mkdir(parents=True)
    (tmp_path / "api" / "orders" / "1").write_text('{"id": 1}\n')
    api = shlex.split(f"{sys.executable} -m http.server {upstream} --bind 127.0.0.1 --directory api")
    with ExitStack() as stack:
        stack.enter_context(running(api, upstream, tmp_path, environment))
        stack.enter_context(running([command, "serve", "gateway.toml"], port, tmp_path, environment))
        answers_as_shown(page, port, tmp_path, environment, counts)


def test_dpop(environment: dict[str, str], issuer: shell.Issuer, tmp_path: Path, counts: Counter[str]) -> None:
    pytest.importorskip("requires_auth.flask")
    start, ask = [block for block in of("docs/dpop.md", "sh") if "/orders" in block.text or "flask" in block.text]
    port, placed = free_port(), {"http://127.0.0.1:9100/oidc": issuer.url}
    placed["127.0.0.1:8000"] = f"127.0.0.1:{port}"

    def here(text: str) -> str:
        for old, new in placed.items():
            text = text.replace(old, new)
        return text

    exports = [line for line in shell.commands_of(start) if line.startswith("export ")]
    assert exports
    for word in shlex.split(here(" ".join(exports))):
        name, is_set, value = word.partition("=")
        if is_set:
            environment[name] = value
    (tmp_path / "app.py").write_text(of("docs/start/python.md", "python")[0].text)
    command = shlex.split(f"{sys.executable} -m flask --app app run --port {port}")
    with running(command, port, tmp_path, environment):
        script = "set -e\n" + here("\n".join(shell.commands_of(ask)))
        printed = printed_by(script, tmp_path, environment)
    answers = [line for line in printed.splitlines() if line.startswith("HTTP/1.1 ")]
    assert [answer.split()[1] for answer in answers] == ["200", "401"], printed
    assert "proof_url" in printed
    counts["commands of pages that ran at an application"] += len(shell.commands_of(ask))


def test_an_answer_that_differs_is_seen() -> None:
    printed = 'HTTP/1.1 401 Unauthorized\nwww-authenticate: Bearer\n\n{"status": 401, "code": "a"}\n'
    assert (
        missing(["HTTP/1.1 401 Unauthorized", "WWW-Authenticate: Bearer", '{"code":"a","status":401}'], printed) == []
    )
    assert missing(['{"code":"b","status":401}'], printed)
    assert missing(["WWW-Authenticate: DPoP"], printed)
