"""An API behind a guard, with FastAPI; `/docs` shows what each route needs.

    pip install 'requires-auth[fastapi]' uvicorn
    export REQUIRES_AUTH_ISSUER=https://tenant-id.logto.app/oidc
    export REQUIRES_AUTH_AUDIENCE=https://api.example.com
    python fastapi_app.py

`REQUIRES_AUTH_JWKS` names a file with the keys, if they are not to be fetched; `REQUIRES_AUTH_ALGORITHMS`
narrows the algorithms; `PORT` is 8000 unless set.
"""

import os
import sys
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware

from requires_auth import AccessToken, ConfigError
from requires_auth.fastapi import requires_auth as auth

app = FastAPI(title="Orders")
app.add_middleware(
    CORSMiddleware,
    allow_origins=["*"],
    allow_methods=["*"],
    allow_headers=["Authorization", "Content-Type"],
)


@app.get("/user/info")
async def user_info(token: Annotated[AccessToken, Depends(auth)]) -> dict[str, str | None]:
    return {"sub": token.sub}


@app.post("/orders", status_code=201)
async def create_order(token: Annotated[AccessToken, Depends(auth("write:orders"))]) -> dict[str, str | None]:
    return {"created_by": token.sub}


@app.get("/api/items", dependencies=[Depends(auth("read:items"))])
async def list_items() -> list[str]:
    return ["apples", "pears"]


@app.get("/public")
async def public() -> str:
    return "everybody may read this"


try:
    _ = auth.guard  # not needed; a mistake in the configuration shows now, not at the first request
except ConfigError as error:
    sys.exit(f"{error}\n\n{__doc__}")

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
