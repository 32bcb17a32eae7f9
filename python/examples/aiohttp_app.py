"""An API behind a guard, with aiohttp.

    pip install 'requires-auth[aiohttp]'
    export REQUIRES_AUTH_ISSUER=https://tenant-id.logto.app/oidc
    export REQUIRES_AUTH_AUDIENCE=https://api.example.com
    python aiohttp_app.py

`REQUIRES_AUTH_JWKS` names a file with the keys, if they are not to be fetched; `REQUIRES_AUTH_ALGORITHMS`
narrows the algorithms; `PORT` is 8000 unless set.
"""

import os
import sys

from aiohttp import web

from requires_auth import ConfigError
from requires_auth.aiohttp import ACCESS_TOKEN, requires_auth

routes = web.RouteTableDef()


@routes.get("/user/info")
@requires_auth
async def user_info(request: web.Request) -> web.Response:
    return web.json_response({"sub": request[ACCESS_TOKEN].sub})


@routes.post("/orders")
@requires_auth("write:orders")
async def create_order(request: web.Request) -> web.Response:
    return web.json_response({"created_by": request[ACCESS_TOKEN].sub}, status=201)


@routes.get("/api/items")
@requires_auth("read:items")
async def list_items(request: web.Request) -> web.Response:
    return web.json_response(["apples", "pears"])


@routes.options("/api/items")
async def preflight(request: web.Request) -> web.Response:
    return web.Response(status=204)


@routes.get("/public")
async def public(request: web.Request) -> web.Response:
    return web.Response(text="everybody may read this")


async def cors(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"


app = web.Application()
try:
    requires_auth.setup(app)
except ConfigError as error:
    sys.exit(f"{error}\n\n{__doc__}")
app.on_response_prepare.append(cors)
app.add_routes(routes)

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
