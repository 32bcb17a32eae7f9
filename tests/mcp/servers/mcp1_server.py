"""A server of `mcp` 1.x. Guards: `own` (its AuthSettings as they are by default),
`audience` (the same, with the check of the audience), `none`, and ours.
"""

from application import BASE, arguments, create_order, guarded, list_orders, serve
from mcp.server.auth.settings import AuthSettings
from mcp.server.fastmcp import FastMCP
from verifier import Verifier

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
mcp = FastMCP("orders", **guard)
mcp.tool()(list_orders)
mcp.tool()(create_order)
app = guarded(mcp.streamable_http_app(), options)
serve(app, options.port)
