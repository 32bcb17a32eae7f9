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

    async def nothing() -> None:
        """Does nothing, as the least dependency."""

    def with_one_route(path: str, *dependencies: Any) -> FastAPI:
        """FastAPI tries one route after the other: each is the first of an application of its own."""
        made = FastAPI()

        @made.get(path, dependencies=[Depends(dependency) for dependency in dependencies])
        async def view() -> dict[str, str]:
            return ANSWER

        return made

    by_path = {
        "/open": with_one_route("/open"),
        "/depends": with_one_route("/depends", nothing),
        "/guarded": with_one_route("/guarded", guard),
    }

    async def app(scope: Any, receive: Any, send: Any) -> None:
        """Passes a request on to the application of its path."""
        # What the server says when it starts and stops comes without a path.
        await by_path[scope.get("path", "/open")](scope, receive, send)

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
