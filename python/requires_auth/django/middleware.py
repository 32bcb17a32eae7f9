"""A middleware that guards every view.

    MIDDLEWARE = ["requires_auth.django.middleware.RequiresAuthMiddleware", ...]

It stands above `CsrfViewMiddleware`, which would otherwise ask for a CSRF token beside the access token. Nothing else
depends on the order, CORS included: it judges when a view is about to run, after all other middleware has had the
request, and what it answers passes through all of them. A view marked `@requires_auth.django.public` stays public, and
so do the paths of `REQUIRES_AUTH_EXEMPT`, for views that are not yours: `"/health"` is this path alone, `"/admin/*"` is
everything below `/admin/`. A URL that no route matches is 404 for everybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings

from requires_auth._exempt import Exempt
from requires_auth._rule import Rule
from requires_auth.django.decorator import RequiresAuth, is_public, requires_auth
from requires_auth.django.refusals import KeepRefusals

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from django.http import HttpRequest, HttpResponse

    from requires_auth import Policy

__all__ = ["RequiresAuthMiddleware"]

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
        self._rule = Rule.of(self.scopes, None, self.policy, self.optional)
        self._exempt = Exempt(EXEMPT, getattr(settings, EXEMPT, ()))
        self.process_view: Callable[..., HttpResponse | Awaitable[HttpResponse | None] | None]
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)
            self.process_view = self._judge_async
        else:
            self.process_view = self._judge

    def __call__(self, request: HttpRequest) -> Any:
        """Hands the request on: the views are what is guarded. A refusal that was changed is put back."""
        return self._keeping(request)

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


def _spare_csrf(request: HttpRequest) -> None:
    # No browser sends an `Authorization` header by itself, and the guard has looked where a cookie comes from.
    # Django's own middleware looks at this if it stands further in.
    if getattr(request, "access_token", None) is not None:
        vars(request)["csrf_processing_done"] = True
