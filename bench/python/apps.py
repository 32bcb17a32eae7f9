"""The same small API in three frameworks: open, guarded, and in FastAPI behind a dependency that does nothing.

The environment says whom to trust.
"""

from __future__ import annotations

import os
from typing import Any

ANSWER = {"message": "hello"}

if os.environ["BENCH_APP"] == "flask":
    from flask import Flask
    from requires_auth.flask import requires_auth

    app: Any = Flask(__name__)

    @app.get("/open")
    def open_view() -> dict[str, str]:
        """Anyone may call it."""
        return ANSWER

    @app.get("/guarded")
    @requires_auth
    def guarded_view() -> dict[str, str]:
        """It needs a valid token."""
        return ANSWER

elif os.environ["BENCH_APP"] == "fastapi":
    from fastapi import Depends, FastAPI
    from requires_auth.fastapi import requires_auth as guard

    app = FastAPI()

    async def nothing() -> None:
        """Does nothing, as the least dependency."""

    @app.get("/open")
    async def open_route() -> dict[str, str]:
        """Anyone may call it."""
        return ANSWER

    @app.get("/depends", dependencies=[Depends(nothing)])
    async def depending_route() -> dict[str, str]:
        """Anyone may call it, behind a dependency."""
        return ANSWER

    @app.get("/guarded", dependencies=[Depends(guard)])
    async def guarded_route() -> dict[str, str]:
        """It needs a valid token."""
        return ANSWER

else:
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpRequest, JsonResponse
    from django.urls import path

    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="bench", MIDDLEWARE=[])
    app = get_wsgi_application()

    from requires_auth.django import requires_auth as guarded

    def open_page(request: HttpRequest) -> JsonResponse:
        """Anyone may call it."""
        return JsonResponse(ANSWER)

    urlpatterns = [path("open", open_page), path("guarded", guarded(open_page))]
