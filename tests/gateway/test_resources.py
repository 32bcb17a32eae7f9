"""Resources with metadata documents and an MCP server, behind each proxy with the file that is printed for them."""

import json
import subprocess

import pytest
from conftest import DIALECTS, ITSELF, with_other_settings
from programs import GATEWAY, Gateway
from wire import ask

WELL_KNOWN = "/.well-known/oauth-protected-resource"
MCP = "https://api.example.com/mcp"
STOCK = "https://api.example.com/team/stock"
ELSEWHERE = "https://api.example.com/team/metadata"

RESOURCES = f"""
[[resources]]
resource = "{MCP}"
issuers = ["main"]
scopes = ["read:orders"]
mcp = true
tools = {{ create_order = ["write:orders"], list_orders = [] }}
mcp_headers = "server-validates"

[[resources]]
resource = "{STOCK}"
issuers = ["main"]
mcp = true
metadata_url = "{ELSEWHERE}"
"""


@pytest.fixture(scope="module", params=[*DIALECTS, ITSELF])
def proxy(request, issuer, application, tmp_path_factory):
    folder = tmp_path_factory.mktemp("resources")

    def gateway(**more):
        return Gateway(folder, issuer.url, more=RESOURCES, **more)

    with with_other_settings(request.param, folder, application, gateway, lambda text: text + RESOURCES) as proxy:
        proxy.name = request.param
        yield proxy


def token(issuer, audience: str, scope: str = "") -> str:
    command = [str(GATEWAY), "token", "--issuer", issuer.url, "--audience", audience]
    command += ["--scope", scope] if scope else []
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


def call(proxy, tool: str, token: str | None, version: str = "2026-07-28"):
    """Calls a tool, with the headers that a client of this version of the protocol sends."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}}
    body = json.dumps(message).encode()
    headers = ["Content-Type: application/json", f"Content-Length: {len(body)}", f"MCP-Protocol-Version: {version}"]
    headers += ["Mcp-Method: tools/call", f"Mcp-Name: {tool}"]
    return ask(proxy.port, "/mcp", *headers, method="POST", token=token, body=body)


def test_the_documents_need_no_token(proxy, application):
    for place, resource in [(f"{WELL_KNOWN}/mcp", MCP), (f"{WELL_KNOWN}/team/stock", STOCK), ("/team/metadata", STOCK)]:
        answer = ask(proxy.port, place)
        assert (answer.status, answer.one("Content-Type")) == (200, "application/json"), place
        assert answer.one("Access-Control-Allow-Origin") == "*"
        assert json.loads(answer.body)["resource"] == resource
        assert ask(proxy.port, place, method="OPTIONS").status == 204
        assert ask(proxy.port, place, method="DELETE").status == 405
    for place in (f"{WELL_KNOWN}/other", f"{WELL_KNOWN}/mcp/../../../orders", f"{WELL_KNOWN}/%2e%2e/orders"):
        assert ask(proxy.port, place).status in (400, 401, 403, 404), place
    assert application.take() == []


def test_dot_segments_bring_no_question_of_a_client_to_the_gateway(proxy, application):
    public = ["X-Forwarded-Method: GET", "X-Forwarded-Uri: /public/1"]
    public += ["X-Original-Method: GET", "X-Original-URI: /public/1"]
    # Some proxies look for a document in the path without its dot segments, and pass it on with them.
    for dialect in ("caddy", "envoy", "haproxy", "nginx", "traefik"):
        answer = ask(proxy.port, f"/forward-auth/{dialect}/../..{WELL_KNOWN}/mcp", *public)
        assert answer.status in (400, 401, 403, 404) or json.loads(answer.body)["resource"] == MCP, dialect
    assert application.take() == []


def test_pointer_and_scope_survive_401_and_403(proxy, issuer, application):
    pointer = f'resource_metadata="https://api.example.com{WELL_KNOWN}/mcp"'
    bare = f'Bearer scope="read:orders", {pointer}'
    for method, target in [("POST", "/mcp"), ("GET", "/mcp"), ("DELETE", "/mcp"), ("GET", "/mcp/any")]:
        answer = ask(proxy.port, target, method=method)
        assert (answer.status, answer.one("WWW-Authenticate")) == (401, bare), method
    answer = ask(proxy.port, "/team/stock")
    assert answer.one("WWW-Authenticate") == f'Bearer resource_metadata="{ELSEWHERE}"'
    answer = call(proxy, "create_order", token(issuer, MCP, "read:orders"))
    challenge = answer.one("WWW-Authenticate")
    assert answer.status == 403
    assert 'error="insufficient_scope"' in challenge
    assert challenge.endswith(f'scope="read:orders write:orders", {pointer}')
    assert application.take() == []


def test_each_resource_takes_its_own_tokens_and_the_application_gets_none(proxy, issuer, application):
    good, other = token(issuer, MCP, "read:orders write:orders"), token(issuer, STOCK)
    for tool in ("list_orders", "create_order"):
        assert call(proxy, tool, good).status == 200
        [received] = application.take()
        assert received.folded("Authorization") == []
        assert received.folded("X-Auth-Subject") == ["alice"]
        assert json.loads(received.body)["params"]["name"] == tool
    assert call(proxy, "drop_tables", good).status == 403
    assert call(proxy, "list_orders", other).status == 401
    assert ask(proxy.port, "/team/stock", token=good).status == 401
    assert application.take() == []
    assert ask(proxy.port, "/team/stock", token=other).status == 200
    [received] = application.take()
    assert received.folded("Authorization") == []


def test_an_old_version_is_judged_by_its_body_or_refused(proxy, issuer, application):
    answer = call(proxy, "list_orders", token(issuer, MCP, "read:orders"), "2025-06-18")
    if proxy.name == ITSELF:
        assert answer.status == 200
    else:
        assert answer.status == 403
        assert b"auth.mcp_headers_insufficient" in answer.body
    assert len(application.take()) == (proxy.name == ITSELF)
