"""An API behind a guard, with Django Ninja in one file; `/docs` shows it.

    pip install 'requires-auth[ninja]'
    export REQUIRES_AUTH_ISSUER=https://tenant-id.logto.app/oidc
    export REQUIRES_AUTH_AUDIENCE=https://api.example.com
    python ninja_app.py

`REQUIRES_AUTH_JWKS` names a file with the keys, if they are not to be fetched; `REQUIRES_AUTH_ALGORITHMS`
narrows the algorithms; `PORT` is 8000 unless set.
"""

import os
import secrets
import sys
from typing import Any

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    # The checks of the first say at start what is wrong with the configuration.
    INSTALLED_APPS=["requires_auth.django", "ninja"],
    # It keeps refusals as they are, and adds the headers that an answer needs.
    MIDDLEWARE=["requires_auth.django.refusals.KeepRefusals"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=secrets.token_hex(),
)
django.setup()

from ninja import NinjaAPI, Status  # both read the settings

from requires_auth.django.ninja import AccessTokenAuth

api = NinjaAPI(auth=AccessTokenAuth())


@api.get("/user/info")
def user_info(request: HttpRequest) -> Any:
    return {"sub": request.auth.sub}  # type: ignore[attr-defined]


@api.post("/orders", auth=AccessTokenAuth("write:orders"), response={201: dict[str, str]})
def create_order(request: HttpRequest) -> Any:
    return Status(201, {"created_by": request.auth.sub})  # type: ignore[attr-defined]


@api.get("/api/items", auth=AccessTokenAuth("read:items"))
async def list_items(request: HttpRequest) -> Any:
    return ["apples", "pears"]


@api.api_operation(["OPTIONS"], "/api/items", auth=None)
def preflight(request: HttpRequest) -> Any:
    return ""


@api.get("/public", auth=None)
def public(request: HttpRequest) -> Any:
    return "everybody may read this"


urlpatterns = [path("", api.urls)]
application = get_wsgi_application()

if __name__ == "__main__":
    address = f"127.0.0.1:{os.environ.get('PORT', '8000')}"
    execute_from_command_line([sys.argv[0], "runserver", "--noreload", address])
