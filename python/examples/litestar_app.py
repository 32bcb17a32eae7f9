"""An API behind a guard, with Litestar; `/schema` shows what each route needs.

    pip install 'requires-auth[litestar]' uvicorn
    export REQUIRES_AUTH_ISSUER=https://tenant-id.logto.app/oidc
    export REQUIRES_AUTH_AUDIENCE=https://api.example.com
    python litestar_app.py

`REQUIRES_AUTH_JWKS` names a file with the keys, if they are not to be fetched; `REQUIRES_AUTH_ALGORITHMS`
narrows the algorithms; `PORT` is 8000 unless set.
"""

import os
import sys
from typing import Any

import uvicorn
from litestar import Litestar, Request, get, post
from litestar.config.cors import CORSConfig

from requires_auth import ConfigError
from requires_auth.litestar import requires_auth as auth


@get("/user/info", guards=[auth])
async def user_info(request: Request[Any, Any, Any]) -> dict[str, str | None]:
    return {"sub": request.auth.sub}


@post("/orders", guards=[auth("write:orders")])
async def create_order(request: Request[Any, Any, Any]) -> dict[str, str | None]:
    return {"created_by": request.auth.sub}


@get("/api/items", guards=[auth("read:items")])
async def list_items() -> list[str]:
    return ["apples", "pears"]


@get("/public")
async def public() -> str:
    return "everybody may read this"


app = Litestar(
    [user_info, create_order, list_items, public],
    plugins=[auth],
    cors_config=CORSConfig(allow_origins=["*"], allow_headers=["Authorization", "Content-Type"]),
)

try:
    _ = auth.guard  # not needed; a mistake in the configuration shows now, not at the first request
except ConfigError as error:
    sys.exit(f"{error}\n\n{__doc__}")

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
