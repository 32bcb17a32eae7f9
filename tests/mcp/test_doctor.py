"""`requires-auth doctor --mcp` at servers of every make: it finds nothing at ours, and what is wrong at the others."""

import json
import subprocess

import pytest
from gateways import COMMAND
from guarded import GUARDED, lacks
from programs import missing
from tokens import Mint

# What each SDK's own guard fails in, with its settings as they are by default. Warnings are not listed.
FAILURES = {
    "mcp 2": {"mcp.token.two"},
    "mcp 1": {"mcp.issuer.identical", "mcp.token.two"},
    "fastmcp": {"mcp.token.two"},
    "typescript 2": {"mcp.token.two"},
    "typescript 1": {"mcp.token.two"},
}


def findings(url: str, token: str, *levels: str) -> set[str]:
    """The codes of what `doctor` found, of these levels."""
    if lack := missing([str(COMMAND)]):
        pytest.skip(f"doctor needs {lack}")
    command = [str(COMMAND), "doctor", "--mcp", url, "--token", "-", "--output", "json"]
    done = subprocess.run(command, input=token, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    assert len(report["findings"]) > 20, report
    return {finding["code"] for finding in report["findings"] if finding["level"] in levels}


@pytest.mark.parametrize("name", GUARDED)
def test_nothing_is_wrong_at_ours(provider, folder, name):
    if lack := lacks(name):
        pytest.skip(f"{name} needs {lack}")
    guarded = GUARDED[name](provider.issuer, folder)
    try:
        guarded.start()
        token = Mint(provider.keys, provider.issuer, guarded.resource).token()
        assert findings(guarded.url, token, "warn", "fail") == set()
    finally:
        guarded.stop()


@pytest.mark.parametrize("name", FAILURES)
def test_what_is_wrong_at_the_others(server, provider, name):
    url = server(name, "own").url
    token = Mint(provider.keys, provider.issuer, url).token()
    assert findings(url, token, "fail") == FAILURES[name]
