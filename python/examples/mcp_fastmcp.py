"""A server of FastMCP behind a guard: one tool needs the base scope, the other one a scope of its own.

    pip install 'requires-auth[fastmcp]'
    export REQUIRES_AUTH_ISSUER=https://tenant-id.logto.app/oidc
    export REQUIRES_AUTH_RESOURCE=https://api.example.com/mcp
    python mcp_fastmcp.py

The resource is the URL that clients are given, byte for byte; to try it on this machine, `http://127.0.0.1:8000/mcp`.
`PORT` is 8000 unless set. `requires-auth doctor --mcp URL` says what is wrong, if anything.
"""

import os
import sys

from fastmcp import FastMCP

from requires_auth import ConfigError
from requires_auth.fastmcp import RequiresAuth
from requires_auth.mcp import access_token

try:
    # Issuer and resource come from the environment.
    auth = RequiresAuth(scope="read:orders", tools={"list_orders": "", "create_order": "write:orders"})
except ConfigError as error:
    sys.exit(f"{error}\n\n{__doc__}")

mcp = FastMCP("orders", auth=auth)
orders = ["apples for alice"]


@mcp.tool
def list_orders() -> list[str]:
    """All orders."""
    return orders


@mcp.tool
def create_order(what: str) -> str:
    """Orders something."""
    token = access_token()
    orders.append(f"{what} for {token.sub if token else 'nobody'}")
    return orders[-1]


if __name__ == "__main__":
    mcp.run(transport="http", host="127.0.0.1", port=int(os.environ.get("PORT", "8000")), show_banner=False)
