"""An MCP server of the package `mcp` behind a guard: one tool needs the base scope, the other one a scope of its own.

    pip install 'requires-auth[mcp]' uvicorn
    export REQUIRES_AUTH_ISSUER=https://tenant-id.logto.app/oidc
    export REQUIRES_AUTH_RESOURCE=https://api.example.com/mcp
    python mcp_protect.py

The resource is the URL that clients are given, byte for byte; to try it on this machine, `http://127.0.0.1:8000/mcp`.
`PORT` is 8000 unless set. `requires-auth doctor --mcp URL` says what is wrong, if anything.
"""

import os
import sys
from urllib.parse import urlsplit

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from requires_auth import ConfigError
from requires_auth.mcp import access_token, protect

mcp = MCPServer("orders")
orders = ["apples for alice"]


@mcp.tool()
def list_orders() -> list[str]:
    """All orders."""
    return orders


@mcp.tool()
def create_order(what: str) -> str:
    """Orders something."""
    token = access_token()
    orders.append(f"{what} for {token.sub if token else 'nobody'}")
    return orders[-1]


# The package answers 421 for a host that it does not know.
resource = os.environ.get("REQUIRES_AUTH_RESOURCE", "")
security = TransportSecuritySettings(allowed_hosts=[urlsplit(resource).netloc])

try:
    # Issuer and resource come from the environment; `mcp.run()` would serve the server without the guard.
    app = protect(
        mcp.streamable_http_app(transport_security=security),
        scope="read:orders",
        tools={"list_orders": "", "create_order": "write:orders"},
    )
except ConfigError as error:
    sys.exit(f"{error}\n\n{__doc__}")

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
