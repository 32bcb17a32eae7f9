"""An API behind a guard, with Flask; a browser may call it from other origins.

    pip install 'requires-auth[flask]' flask-cors
    export REQUIRES_AUTH_ISSUER=https://tenant-id.logto.app/oidc
    export REQUIRES_AUTH_AUDIENCE=https://api.example.com
    python flask_app.py

`REQUIRES_AUTH_JWKS` names a file with the keys, if they are not to be fetched; `REQUIRES_AUTH_ALGORITHMS`
narrows the algorithms; `PORT` is 8000 unless set.
"""

import os
import sys

from flask import Flask, g
from flask_cors import cross_origin

from requires_auth import ConfigError
from requires_auth.flask import current_token, requires_auth

app = Flask(__name__)


@app.route("/user/info")
@cross_origin(allow_headers=["Content-Type", "Authorization"])
@requires_auth
def user_info() -> dict[str, str | None]:
    return {"sub": g.access_token.sub}


@app.route("/orders", methods=["POST"])
@cross_origin(allow_headers=["Content-Type", "Authorization"])
@requires_auth("write:orders")
def create_order() -> tuple[dict[str, str | None], int]:
    return {"created_by": current_token.sub}, 201


@app.route("/api/items")
@cross_origin(allow_headers=["Content-Type", "Authorization"])
@requires_auth("read:items")
def list_items() -> list[str]:
    return ["apples", "pears"]


@app.route("/public")
def public() -> str:
    return "everybody may read this"


try:
    requires_auth.init_app(app)  # not needed; a mistake in the configuration shows now, not at the first request
except ConfigError as error:
    sys.exit(f"{error}\n\n{__doc__}")

if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", "8000")))
