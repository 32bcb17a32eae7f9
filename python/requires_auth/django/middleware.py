"""A middleware that guards every view.

    MIDDLEWARE = ["requires_auth.django.middleware.RequiresAuthMiddleware", ...]

It stands above `CsrfViewMiddleware`, which would otherwise ask for a CSRF token beside the access token. Nothing else
depends on the order, CORS included: it judges when a view is about to run, after all other middleware has had the
request, and what it answers passes through all of them. A view marked `@requires_auth.django.public` stays public, and
so do the paths of `REQUIRES_AUTH_EXEMPT`, for views that are not yours: `"/health"` is this path alone, `"/admin/*"` is
everything below `/admin/`. A URL that no route matches is 404 for everybody.

It serves the metadata document of `REQUIRES_AUTH_RESOURCE` (RFC 9728). Where views are guarded one by one,
`ResourceMetadataMiddleware` serves it alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpResponse

from requires_auth._exempt import Exempt
from requires_auth.django.decorator import RequiresAuth, is_public, requires_auth
from requires_auth.django.refusals import KeepRefusals

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from django.http import HttpRequest

    from requires_auth import Policy

__all__ = ["RequiresAuthMiddleware", "ResourceMetadataMiddleware"]

EXEMPT = "REQUIRES_AUTH_EXEMPT"
"""The setting with the paths that stay public."""


class RequiresAuthMiddleware:
    """Runs a view only for requests with a valid token, which is `request.access_token` then.

    A subclass can ask for more:

        class OrdersMiddleware(RequiresAuthMiddleware):
            scopes = ("read:orders",)
    """

    sync_capable = True
    async_capable = True

    auth: ClassVar[RequiresAuth] = requires_auth
    """The guard: the ready instance."""

    scopes: ClassVar[Sequence[str]] = ()
    """The scopes that all views need. A view can ask for more with a decorator of its own."""

    policy: ClassVar[Policy | None] = None
    """Instead of scopes: all that they need."""

    optional: ClassVar[bool] = False
    """Whether requests without a token pass; `request.access_token` is None then."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        """Made by Django, once per process."""
        self.get_response = get_response
        self._keeping = KeepRefusals(get_response)
        self._rule = self.auth.rule(self.scopes, None, self.policy, self.optional)
        self._exempt = Exempt(EXEMPT, getattr(settings, EXEMPT, ()))
        self.auth.serve_metadata()
        self._has_document = self.auth.has_resource()
        self.process_view: Callable[..., HttpResponse | Awaitable[HttpResponse | None] | None]
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)
            self.process_view = self._judge_async
        else:
            self.process_view = self._judge

    def __call__(self, request: HttpRequest) -> Any:
        """Hands the request on: the views are what is guarded. A refusal that was changed is put back.

        A request for the metadata document of the resource is answered here.
        """
        document = metadata_of(self.auth, request) if self._has_document else None
        return self._keeping(request) if document is None else _answered(self, document)

    def _judge(self, request: HttpRequest, view: Callable[..., Any], *_: Any) -> HttpResponse | None:
        if is_public(view) or request.path_info in self._exempt:
            return None
        answer = self.auth.refusal(request, self._rule, view)
        _spare_csrf(request)
        return answer

    async def _judge_async(self, request: HttpRequest, view: Callable[..., Any], *_: Any) -> HttpResponse | None:
        if is_public(view) or request.path_info in self._exempt:
            return None
        answer = await self.auth.refusal_async(request, self._rule, view)
        _spare_csrf(request)
        return answer


class ResourceMetadataMiddleware:
    """Serves the metadata document of the guard's `resource` (RFC 9728), and hands every other request on.

    It is for projects that guard their views one by one. Put it first in `MIDDLEWARE`.
    """

    sync_capable = True
    async_capable = True

    auth: ClassVar[RequiresAuth] = requires_auth
    """The guard: the ready instance."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        """Made by Django, once per process."""
        self.get_response = get_response
        self.auth.serve_metadata()
        self._has_document = self.auth.has_resource()
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Answers a request for the document."""
        document = metadata_of(self.auth, request) if self._has_document else None
        return self.get_response(request) if document is None else _answered(self, document)


def metadata_of(auth: RequiresAuth, request: HttpRequest) -> HttpResponse | None:
    """The answer to a request for the metadata document of the guard's resource; None for any other request."""
    answer = auth.guard_of_request.metadata_wsgi(request.META)
    if answer is None:
        return None
    response = HttpResponse(answer.body, status=answer.status)
    del response.headers["Content-Type"]
    for name, value in answer.headers:
        response.headers[name] = value
    return response


def _answered(middleware: object, response: HttpResponse) -> Any:
    """What a middleware returns: the response, or where it is asynchronous, an awaitable of it."""

    async def ready() -> HttpResponse:
        return response

    return ready() if iscoroutinefunction(middleware) else response


def _spare_csrf(request: HttpRequest) -> None:
    # No browser sends an `Authorization` header by itself, and the guard has looked where a cookie comes from.
    # Django's own middleware looks at this if it stands further in.
    if getattr(request, "access_token", None) is not None:
        vars(request)["csrf_processing_done"] = True
