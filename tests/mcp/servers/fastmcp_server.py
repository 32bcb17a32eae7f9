"""A server of fastmcp. Guards: `own` (its JWTVerifier, and its scopes per tool), `none`."""

from application import BASE, TOOLS, arguments, create_order, list_orders, serve
from fastmcp import FastMCP
from fastmcp.server.auth import RemoteAuthProvider, require_scopes
from fastmcp.server.auth.providers.jwt import JWTVerifier

options = arguments()
auth, per_tool = None, {}
if options.guard == "own":
    verifier = JWTVerifier(
        jwks_uri=f"{options.issuer}/jwks",
        issuer=options.issuer,
        audience=options.resource,
        algorithm="ES384",
        required_scopes=[BASE],
    )
    auth = RemoteAuthProvider(
        token_verifier=verifier,
        authorization_servers=[options.issuer],
        base_url=options.resource.removesuffix("/mcp"),
    )
    per_tool = {"auth": require_scopes(TOOLS["create_order"])}
mcp = FastMCP("orders", auth=auth)
mcp.tool(list_orders)
mcp.tool(**per_tool)(create_order)
serve(mcp.http_app(path="/mcp"), options.port)
