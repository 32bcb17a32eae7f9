"""A middleware that keeps refusals as they are, whatever the decorators above the guard make of them.

    MIDDLEWARE = [..., "requires_auth.django.refusals.KeepRefusals", ...]

Django has no last step of a request that a view could ask for, so a project whose views have decorators that rewrite
what a view returns needs this. `RequiresAuthMiddleware` does the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

__all__ = ["KeepRefusals"]

_REFUSAL = "_requires_auth_refusal"
_KEPT = ("access-control-", "vary")
"""Headers that what stands above the guard may have added for a browser's sake: how their names begin."""


class KeepRefusals:
    """Puts a refusal back if a decorator above the guard made something else of it. CORS headers stay."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        """Made by Django, once per process."""
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Hands the request on, and looks at what comes back."""
        if self._is_async:
            return self._later(request)
        return put_back(request, self.get_response(request))

    async def _later(self, request: HttpRequest) -> Any:
        return put_back(request, await self.get_response(request))


def keep(request: object, refusal: HttpResponse) -> HttpResponse:
    """Remembers the refusal of a request, so that it can be put back."""
    inner = getattr(request, "_request", request)  # REST framework has a request of its own around Django's
    not_stored(inner)
    vars(inner)[_REFUSAL] = (refusal.status_code, refusal.content, dict(refusal.items()))
    return refusal


def not_stored(request: object) -> None:
    """Has Django's cache middleware, for the whole site or above the guard, store no answer to this request."""
    vars(request)["_cache_update_cache"] = False


def put_back(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The response, or the refusal of the request if the response is another one."""
    kept = vars(request).get(_REFUSAL)
    if kept is None:
        return cast("HttpResponse", with_headers(request, response))
    status, body, headers = kept
    if response.status_code == status and not response.streaming and response.content == body:
        same = all(response.headers.get(name) == value for name, value in headers.items() if not _may_change(name))
        if same:
            return response
    refusal = HttpResponse(body, status=status)
    for name, value in response.items():
        if _may_change(name):
            refusal.headers[name] = value
    for name, value in headers.items():
        if name not in refusal.headers or not _may_change(name):
            refusal.headers[name] = value
    refusal.cookies = response.cookies
    return refusal


_ADDED = "_requires_auth_headers"


def remember_headers(request: object, headers: list[tuple[str, str]]) -> None:
    """Remembers headers that the answer to a request has to have."""
    inner = getattr(request, "_request", request)
    vars(inner)[_ADDED] = headers


def with_headers(request: object, response: Any) -> Any:
    """The response, with those headers where it has none of the name."""
    inner = getattr(request, "_request", request)
    for name, value in vars(inner).get(_ADDED, ()):
        response.headers.setdefault(name, value)
    return response


def _may_change(name: str) -> bool:
    return name.lower().startswith(_KEPT)
