"""The table in docs/mcp.md: the same checks against each SDK's own guard. `WRITE_TABLE=1` writes what was measured."""

import json
import os
import subprocess
from importlib.metadata import version

import pytest
import tomllib
from checks import CHECKS, WELL_KNOWN, Target, Verdict
from programs import HERE, PYTHON1, ROOT, SERVERS, Provider, Server, missing
from tokens import Mint, write_keys
from wire import ask, initialize

PAGE = ROOT / "docs/mcp.md"
BEGIN = "<!-- Measured by tests/mcp; scripts/mcp.sh writes it with WRITE_TABLE=1. -->\n"
END = "<!-- End of what was measured. -->\n"

OWN = ["mcp 2", "mcp 1", "fastmcp", "typescript 2", "typescript 1"]

# How an SDK's guard looks at the audience when it does not by default, or does not when it does: the name of the
# guard for the servers, and what it is called in the table.
VARIANTS = {
    "mcp 2": ("audience", "with `validate_token_resource=True`"),
    "mcp 1": ("audience", "with `validate_token_resource=True`"),
    "fastmcp": ("no-audience", "without `audience=`"),
    "typescript 2": ("audience", "with `expectedResource`"),
    "typescript 1": ("audience", "with `expectedResource`"),
}


def npm(name: str) -> str:
    return json.loads((HERE / "node_modules" / name / "package.json").read_text())["version"]


def versions() -> dict[str, str]:
    script = "from importlib.metadata import version; print(version('mcp'))"
    mcp1 = subprocess.run([PYTHON1, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    rmcp = tomllib.loads((HERE / "rmcp/Cargo.toml").read_text())["dependencies"]["rmcp"]["version"].lstrip("=")
    return {
        "mcp 2": f"`mcp` {version('mcp')}",
        "mcp 1": f"`mcp` {mcp1}",
        "fastmcp": f"fastmcp {version('fastmcp')}",
        "typescript 2": f"TypeScript {npm('@modelcontextprotocol/server')}",
        "typescript 1": f"TypeScript {npm('@modelcontextprotocol/sdk')}",
        "rmcp": f"rmcp {rmcp}",
    }


@pytest.fixture(scope="module")
def measured(server, provider, folder):
    """Verdicts by check and guard."""
    if lacks := [lack for name in OWN if (lack := missing(SERVERS[name]))]:
        pytest.skip(f"the table needs {lacks[0]}")
    table = {}
    for name in OWN:
        present = target(server(name, "own"), provider)
        for check in CHECKS:
            if not (check.without_provider or check.of_bare_host):
                table[check.name, name] = check.measure(present)
        variant, says = VARIANTS[name]
        other = target(server(name, variant), provider)
        for check in CHECKS:
            if check.about_audience:
                add_variant(table[check.name, name], check.measure(other), says)
        for check in CHECKS:
            if check.without_provider:
                table[check.name, name] = in_an_outage(check, name, folder)
            if check.of_bare_host:
                table[check.name, name] = of_bare_host(check, name, provider, folder)
    return table


def target(server: Server, provider: Provider) -> Target:
    return Target(server.url, provider.issuer, Mint(provider.keys, provider.issuer, server.resource))


def add_variant(verdict: Verdict, other: Verdict, says: str) -> None:
    if other.text != verdict.text:
        shown = other.text if other.right else f"**{other.text}**"
        verdict.text = f"{verdict.text}; {shown} {says}" if verdict.right else f"**{verdict.text}**; {shown} {says}"


def in_an_outage(check, name: str, folder) -> Verdict:
    """With a provider of its own that has gone before the guard has fetched a key."""
    provider = Provider(folder, refresh="offline_access")
    write_keys(provider.keys)
    provider.start()
    server = Server(name, "own", provider.issuer, folder)
    try:
        server.start()
        provider.stop()
        return check.measure(target(server, provider))
    finally:
        provider.stop()
        server.stop()


def of_bare_host(check, name: str, provider: Provider, folder) -> Verdict:
    server = Server(name, "own", provider.issuer, folder, bare=True)
    try:
        server.start()
        return check.measure(target(server, provider))
    finally:
        server.stop()


def rendered(measured: dict) -> str:
    named = versions()
    lines = [
        "| | asked | " + " | ".join(named[name] for name in OWN) + " |",
        "| --- " * (len(OWN) + 2) + "|",
    ]
    for check in CHECKS:
        cells = [cell(measured[check.name, name]) for name in OWN]
        lines.append(f"| {check.name} | {check.asked} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def cell(verdict: Verdict) -> str:
    return verdict.text if verdict.right or "**" in verdict.text else f"**{verdict.text}**"


def test_the_page_has_what_was_measured(measured):
    table = rendered(measured)
    page = PAGE.read_text()
    before, begin, rest = page.partition(BEGIN)
    old, end, after = rest.partition(END)
    assert end, f"the marks of the table are missing in {PAGE}"
    if os.environ.get("WRITE_TABLE"):
        PAGE.write_text(before + begin + table + end + after)
    else:
        assert old == table


def test_rmcp_has_no_guard(server):
    """So it has no column."""
    url = server("rmcp", "none").url
    assert initialize(url).status == 200
    origin = url.removesuffix("/mcp")
    assert {ask("GET", origin + path).status for path in (WELL_KNOWN, f"{WELL_KNOWN}/mcp")} == {404}
