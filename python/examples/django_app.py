"""An API behind a guard, with Django in one file.

    pip install 'requires-auth[django]'
    export REQUIRES_AUTH_ISSUER=https://tenant-id.logto.app/oidc
    export REQUIRES_AUTH_AUDIENCE=https://api.example.com
    python django_app.py

`REQUIRES_AUTH_JWKS` names a file with the keys, if they are not to be fetched; `REQUIRES_AUTH_ALGORITHMS`
narrows the algorithms; `PORT` is 8000 unless set.
"""

import os
import secrets
import sys

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from requires_auth.django import requires_auth

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    # Its checks say at start what is wrong with the configuration.
    INSTALLED_APPS=["requires_auth.django"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=secrets.token_hex(),
)
django.setup()


@requires_auth
def user_info(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"sub": request.access_token.sub})  # type: ignore[attr-defined]


@requires_auth("write:orders")
def create_order(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"created_by": request.access_token.sub}, status=201)  # type: ignore[attr-defined]


@requires_auth("read:items")
async def list_items(request: HttpRequest) -> HttpResponse:
    return JsonResponse(["apples", "pears"], safe=False)


def public(request: HttpRequest) -> HttpResponse:
    return HttpResponse("everybody may read this")


urlpatterns = [
    path("user/info", user_info),
    path("orders", create_order),
    path("api/items", list_items),
    path("public", public),
]
application = get_wsgi_application()

if __name__ == "__main__":
    address = f"127.0.0.1:{os.environ.get('PORT', '8000')}"
    execute_from_command_line([sys.argv[0], "runserver", "--noreload", address])
