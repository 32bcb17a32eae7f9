"""An API behind a guard, with Quart; `/live` is a WebSocket.

    pip install 'requires-auth[quart]'
    export REQUIRES_AUTH_ISSUER=https://tenant-id.logto.app/oidc
    export REQUIRES_AUTH_AUDIENCE=https://api.example.com
    python quart_app.py

`REQUIRES_AUTH_JWKS` names a file with the keys, if they are not to be fetched; `REQUIRES_AUTH_ALGORITHMS`
narrows the algorithms; `PORT` is 8000 unless set.
"""

import os
import sys

from quart import Quart, Response, g, websocket

from requires_auth import ConfigError
from requires_auth.quart import current_token, requires_auth

app = Quart(__name__)


@app.after_request
async def cors(response: Response) -> Response:
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
    return response


@app.route("/user/info")
@requires_auth
async def user_info() -> dict[str, str | None]:
    return {"sub": g.access_token.sub}


@app.route("/orders", methods=["POST"])
@requires_auth("write:orders")
async def create_order() -> tuple[dict[str, str | None], int]:
    return {"created_by": current_token.sub}, 201


@app.route("/api/items")
@requires_auth("read:items")
async def list_items() -> list[str]:
    return ["apples", "pears"]


@app.websocket("/live")
@requires_auth("read:items")
async def live() -> None:
    await websocket.send(f"hello {g.access_token.sub}")


@app.route("/public")
async def public() -> str:
    return "everybody may read this"


try:
    requires_auth.init_app(app)  # not needed; a mistake in the configuration shows now, not at the first request
except ConfigError as error:
    sys.exit(f"{error}\n\n{__doc__}")

if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", "8000")))
