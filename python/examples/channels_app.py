"""WebSockets and an API behind a guard, with Django Channels in one file.

    pip install 'requires-auth[channels]' 'uvicorn[standard]'
    export REQUIRES_AUTH_ISSUER=https://tenant-id.logto.app/oidc
    export REQUIRES_AUTH_AUDIENCE=https://api.example.com
    python channels_app.py

`REQUIRES_AUTH_JWKS` names a file with the keys, if they are not to be fetched; `REQUIRES_AUTH_ALGORITHMS`
narrows the algorithms; `PORT` is 8000 unless set.
"""

import json
import os
import secrets
import sys
from typing import Any

import django
import uvicorn
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path as django_path

from requires_auth import AccessToken, ConfigError
from requires_auth.django import requires_auth
from requires_auth.django.channels import RequiresAuthMiddleware as Guarded

settings.configure(INSTALLED_APPS=["requires_auth.django"], SECRET_KEY=secrets.token_hex())
django.setup()
path: Any = django_path  # its types know views alone


def token_of(scope: Any) -> AccessToken:
    """The token of a connection, which the types of Channels do not know."""
    token: AccessToken = scope["access_token"]
    return token


class Answering(AsyncHttpConsumer):
    """Answers with JSON."""

    status = 200

    async def handle(self, body: bytes) -> None:
        answer = json.dumps(self.answer()).encode()
        await self.send_response(self.status, answer, headers=[(b"content-type", b"application/json")])

    def answer(self) -> Any:
        return "everybody may read this"


class UserInfo(Answering):
    def answer(self) -> Any:
        return {"sub": token_of(self.scope).sub}


class CreateOrder(Answering):
    status = 201

    def answer(self) -> Any:
        return {"created_by": token_of(self.scope).sub}


class Items(Answering):
    def answer(self) -> Any:
        return ["apples", "pears"]


class Live(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.accept()
        await self.send(text_data=f"hello {token_of(self.scope).sub}")


application = ProtocolTypeRouter(
    {
        "http": URLRouter(
            [
                path("user/info", Guarded(UserInfo.as_asgi())),
                path("orders", Guarded(CreateOrder.as_asgi(), "write:orders")),
                path("api/items", Guarded(Items.as_asgi(), "read:items")),
                path("public", Answering.as_asgi()),
            ]
        ),
        "websocket": URLRouter([path("live", Guarded(Live.as_asgi(), "read:items"))]),
    }
)

try:
    _ = requires_auth.guard  # not needed; a mistake in the configuration shows now, not at the first request
except ConfigError as error:
    sys.exit(f"{error}\n\n{__doc__}")

if __name__ == "__main__":
    uvicorn.run(application, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")), lifespan="off")
