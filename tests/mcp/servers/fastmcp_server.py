"""A server of fastmcp. Guards: `own` (its JWTVerifier, and its scopes per tool), `no-audience` (the same, without
an audience, which it takes as well), `none`, and ours.
"""

from urllib.parse import urlsplit

from application import BASE, TOOLS, arguments, create_order, guarded, list_orders, serve
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
elif options.guard == "ours":
    from requires_auth.fastmcp import RequiresAuth

    auth = RequiresAuth(options.issuer, options.resource, scope=BASE, tools=TOOLS)
mcp = FastMCP("orders", auth=auth)
mcp.tool(list_orders)
mcp.tool(**per_tool)(create_order)
serve(guarded(mcp.http_app(path=path), options), options.port)
