"""Applications that answer with the path as the guard has read it: the one that it logs with a refusal."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import django_site as django_site
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from requires_auth import RequiresAuth
from requires_auth.testing import TestIssuer

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

settings.MIDDLEWARE = ["requires_auth.django.middleware.RequiresAuthMiddleware"]
settings.ROOT_URLCONF = "path_urls"
issuer = TestIssuer()
for name, value in {"ISSUER": issuer.issuer, "AUDIENCE": issuer.audience, "JWKS": issuer.jwks}.items():
    setattr(settings, f"REQUIRES_AUTH_{name}", value)
guard = RequiresAuth(issuer.issuer, issuer.audience, jwks=issuer.jwks)

paths: list[str] = []


class Hears(logging.Handler):
    """Keeps the path of each request that is refused."""

    def emit(self, record: logging.LogRecord) -> None:
        paths.append(record.__dict__["requires_auth"]["path"])


logging.getLogger("requires_auth").addHandler(Hears())
logging.getLogger("requires_auth").setLevel(logging.INFO)


def _guarded(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    guard.admit_wsgi(environ)
    return []


def _telling(app: Wsgi) -> Wsgi:
    """What the guard has logged, instead of the answer of the application."""

    def telling(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        paths.clear()
        list(app(environ, lambda *_: None))
        start_response("200 OK", [("content-type", "text/plain")])
        return [" ".join(paths).encode()]

    return telling


class _TellingAsgi:
    """The same, of an ASGI application."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return

        async def unheard(_: Any) -> None:
            pass

        paths.clear()
        await self.app(scope, receive, unheard)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": " ".join(paths).encode()})


async def _guarded_asgi(scope: Any, receive: Any, send: Any) -> None:
    guard.admit_asgi(scope)


wsgi = _telling(DispatcherMiddleware(_guarded, {"/mount": _guarded}))
behind_proxy = _telling(ProxyFix(_guarded, x_prefix=1))
asgi = _TellingAsgi(Starlette(routes=[Mount("/mount", app=_guarded_asgi), Mount("/", app=_guarded_asgi)]))
django_wsgi = _telling(get_wsgi_application())
django_asgi = _TellingAsgi(get_asgi_application())

if __name__ == "__main__":
    import sys

    from werkzeug.serving import run_simple

    run_simple("127.0.0.1", int(sys.argv[1]), wsgi)
