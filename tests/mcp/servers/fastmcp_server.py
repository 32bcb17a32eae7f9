"""A server of fastmcp. Guards: `own` (its JWTVerifier, and its scopes per tool), `no-audience` (the same, without
an audience, which it takes as well), `none`."""

from urllib.parse import urlsplit

from application import BASE, TOOLS, arguments, create_order, list_orders, serve
from fastmcp import FastMCP
from fastmcp.server.auth import RemoteAuthProvider, require_scopes
from fastmcp.server.auth.providers.jwt import JWTVerifier

options = arguments()
path = urlsplit(options.resource).path or "/"
auth, per_tool = None, {}
if options.guard in ("own", "no-audience"):
    verifier = JWTVerifier(
        jwks_uri=f"{options.issuer}/jwks",
        issuer=options.issuer,
        audience=options.resource if options.guard == "own" else None,
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
serve(mcp.http_app(path=path), options.port)
