"""A server of `mcp`, of whichever version is installed. Guards: `own` (its AuthSettings as they are by default),
`audience` (the same, with the check of the audience), `none`, and ours.
"""

from application import BASE, arguments, create_order, guarded, list_orders, serve
from mcp.server.auth.settings import AuthSettings
from verifier import Verifier

try:
    from mcp.server.mcpserver import MCPServer
except ImportError:  # 1.x
    from mcp.server.fastmcp import FastMCP as MCPServer

options = arguments()
guard = {}
if options.guard in ("own", "audience"):
    guard = {
        "token_verifier": Verifier(options.issuer),
        "auth": AuthSettings(
            issuer_url=options.issuer,
            resource_server_url=options.resource,
            required_scopes=[BASE],
            validate_token_resource=True if options.guard == "audience" else None,
        ),
    }
mcp = MCPServer("orders", **guard)
mcp.tool()(list_orders)
mcp.tool()(create_order)
app = guarded(mcp.streamable_http_app(), options)
serve(app, options.port)
