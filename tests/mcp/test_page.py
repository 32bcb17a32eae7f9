"""The snippets of docs/mcp.md."""

import os
import re
import subprocess

import anyio
import pytest
from gateways import COMMAND
from programs import RMCP, ROOT, missing

PAGE = (ROOT / "docs/mcp.md").read_text()
RESOURCE = "https://api.example.com/mcp"
POINTER = 'resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/mcp"'


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def applications() -> dict:
    """The ASGI application of each Python snippet."""
    found = {}
    for block in blocks("python"):
        names = {}
        exec(block, names)
        if "app" in names:
            found["mcp"] = names["app"]
        else:
            found["fastmcp"] = names["mcp"].http_app(path="/mcp")
    return found


def ask(app, method: str, path: str) -> tuple[int, dict[str, str]]:
    """The answer of an ASGI application to a request without a body."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "https",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"api.example.com")],
        "server": ("api.example.com", 443),
        "client": ("127.0.0.1", 1),
    }
    anyio.run(app, scope, receive, send)
    return sent[0]["status"], {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}


@pytest.mark.parametrize("name", ["mcp", "fastmcp"])
def test_python(name):
    app = applications()[name]
    status, headers = ask(app, "POST", "/mcp")
    assert (status, headers["www-authenticate"]) == (401, f'Bearer scope="read:orders", {POINTER}')
    for place in ("/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"):
        status, headers = ask(app, "GET", place)
        assert (status, headers["content-type"]) == (200, "application/json")


def test_toml(tmp_path):
    if lack := missing([str(COMMAND)]):
        pytest.skip(f"it needs {lack}")
    [block] = blocks("toml")
    file = tmp_path / "requires-auth.toml"
    file.write_text(block)
    checked = subprocess.run([str(COMMAND), "check", str(file)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_rust():
    """They are doctests of `rmcp/`."""
    command = ["cargo", "test", "--quiet", "--doc", "--manifest-path", str(ROOT / "tests/mcp/rmcp/Cargo.toml")]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(RMCP.parent)}
    tested = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert f"running {len(blocks('rust'))} test" in tested.stdout, tested.stdout
