"""The decorator, and how a Django request is judged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, cast, overload

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.core.signals import setting_changed
from django.http import HttpRequest, HttpResponse

from requires_auth import AccessDenied, Policy, Refusal
from requires_auth._answers import Answer, answer_to
from requires_auth._mistakes import refuse_keywords
from requires_auth._options import PREFIX, Adapter, GuardOptions
from requires_auth._order import mark
from requires_auth._rule import Rule
from requires_auth.django import users
from requires_auth.django.order import check_cache, check_order, refuse_requests
from requires_auth.django.refusals import keep, not_stored, remember_headers, with_headers

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from requires_auth import AccessToken, Admission
    from requires_auth._issuer import Audience

__all__ = ["RequiresAuth", "public", "requires_auth"]

_PUBLIC = "_requires_auth_public"
_NOT_YET = object()
"""No view has been looked at."""
_DESCRIBERS = ("django", "rest_framework")
"""Packages whose own `options` says what a view takes, which is not for everybody."""
_HOW_TO_SERVE = 'put "requires_auth.django.middleware.ResourceMetadataMiddleware" first in MIDDLEWARE'
_AnyView: TypeAlias = Callable[..., Any]
_View = TypeVar("_View", bound=_AnyView)


class RequiresAuth(Adapter):
    """A guard as a decorator of Django views: bare, or called with what the view needs.

    Without an issuer, the settings configure it at first use, then the environment.

        auth = RequiresAuth("https://tenant-id.logto.app/oidc", "https://api.example.com")

        @auth("write:orders")
        def create_order(request): ...
    """

    settings_in = "the settings"

    def __init__(
        self,
        issuer: str | None = None,
        audience: Audience | None = None,
        **options: Unpack[GuardOptions],
    ) -> None:
        """Makes a guard; see `requires_auth.RequiresAuth`."""
        super().__init__(issuer, audience, **options)
        if self._guard is None:
            setting_changed.connect(self._on_setting_changed)

    @overload
    def __call__(self, view: _View, /) -> _View: ...

    @overload
    def __call__(
        self,
        *scopes: str,
        any_of: Iterable[str] | None = None,
        policy: Policy | None = None,
        optional: bool = False,
        dpop: Literal["required"] | None = None,
    ) -> Callable[[_View], _View]: ...

    def __call__(
        self,
        *args: Any,
        any_of: Iterable[str] | None = None,
        policy: Policy | None = None,
        optional: bool = False,
        dpop: Literal["required"] | None = None,
        **unknown: Any,
    ) -> Any:
        """Guards a view, sync or async; or returns a decorator that does.

        A view that demands a token needs no CSRF token: no browser sends an `Authorization` header by itself, and a
        token in a cookie counts only where no other site can have sent it.

        Args:
            args: the view, or the scopes that it needs: all of them.
            any_of: scopes of which it needs one.
            policy: all else that it needs.
            optional: whether a request without a token passes; `request.access_token` is None then. A bad
                token does not.
            dpop: `"required"` takes only tokens that come with a proof of the key that they are bound to (DPoP). The
                guard has to take proofs (`dpop="allowed"`). It may stand beside all of the above.
            unknown: nothing else is taken; the error says what to write.

        Raises:
            RuntimeError: the view is registered already, without the guard.
            TypeError: an argument has the wrong type, or a class is to be guarded.
        """
        refuse_keywords(unknown)
        refuse_requests(*args)
        if len(args) == 1 and callable(args[0]):
            return self._guarded(args[0], self.rule((), any_of, policy, optional, dpop))
        rule = self.rule(args, any_of, policy, optional, dpop)

        def guard(view: _View) -> _View:
            return self._guarded(view, rule)

        return guard

    def _guarded(self, view: _View, rule: Rule) -> _View:
        check_order(view)
        checked: object = _NOT_YET

        def check(request: HttpRequest) -> None:
            # One function may have several URLs, and a cache stand above it in one of them.
            nonlocal checked
            registered = getattr(request.resolver_match, "func", None)
            if registered is not checked:
                checked = registered if check_cache(registered) else _NOT_YET

        async def judge_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            check(request)
            refusal = await self.refusal_async(request, rule, view)
            return with_headers(request, await view(request, *args, **kwargs)) if refusal is None else refusal

        def judge(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            check(request)
            refusal = self.refusal(request, rule, view)
            return with_headers(request, view(request, *args, **kwargs)) if refusal is None else refusal

        guarded = wraps(view)(judge_async if _is_async(view) else judge)
        csrf_exempt = not rule.optional or getattr(view, "csrf_exempt", False)
        vars(guarded)["csrf_exempt"] = csrf_exempt
        return cast("_View", mark(guarded))

    def refusal(self, request: HttpRequest, rule: Rule, view: _AnyView | None = None) -> HttpResponse | None:
        """What to answer instead of running the view; None if the request passes."""
        environ, parameters = environ_of(request), path_parameters(request)
        outcome = self.guard_of_request.admit_wsgi(environ, rule.policy, rule.optional, True, parameters)
        if isinstance(outcome, Refusal):
            self.look_for_metadata(self.guard, _HOW_TO_SERVE)
            return keep(request, response_to(outcome))
        return admit(request, outcome, view)

    async def refusal_async(
        self, request: HttpRequest, rule: Rule, view: _AnyView | None = None
    ) -> HttpResponse | None:
        """As `refusal`, in asynchronous code: waits only if keys have to be fetched or a user to be found."""
        environ, parameters = environ_of(request), path_parameters(request)
        guard = self.guard_of_request
        outcome = guard.admit_wsgi(environ, rule.policy, rule.optional, wait=False, path_parameters=parameters)
        if outcome is None:
            outcome = await asyncio.to_thread(guard.admit_wsgi, environ, rule.policy, rule.optional, True, parameters)
        if isinstance(outcome, Refusal):
            self.look_for_metadata(self.guard, _HOW_TO_SERVE)
            return keep(request, response_to(outcome))
        remember_headers(request, outcome.headers)
        if outcome.token is not None and users.are_mapped():
            return _log_in(request, outcome.token, await sync_to_async(users.user_of)(outcome.token))
        return _admit(request, outcome, view)

    def _on_setting_changed(self, *, setting: str, **_: Any) -> None:
        # Tests change settings, and expect what was made of them to follow.
        if setting.startswith(PREFIX):
            self._guard = None

    def _settings(self) -> Mapping[str, Any]:
        return {name: getattr(settings, name) for name in dir(settings) if name.startswith(PREFIX)}


def environ_of(request: HttpRequest) -> Mapping[str, Any]:
    """The request as a WSGI environment. Under ASGI, Django leaves out the path as the client wrote it."""
    raw: bytes | None = getattr(request, "scope", {}).get("raw_path")
    if raw:
        request.META.setdefault("RAW_URI", raw.decode("latin-1"))
    return request.META


def path_parameters(request: HttpRequest) -> Mapping[str, Any] | None:
    """The arguments that the URL has for the view, for claim rules on them."""
    match = request.resolver_match
    return None if match is None else match.kwargs


def admit(request: HttpRequest, admission: Admission, view: _AnyView | None = None) -> HttpResponse | None:
    """Tells the request who asks; or what to answer if that is nobody whom the project knows, or a preflight."""
    remember_headers(request, admission.headers)
    if admission.token is not None and users.are_mapped():
        return _log_in(request, admission.token, users.user_of(admission.token))
    return _admit(request, admission, view)


def _admit(request: HttpRequest, admission: Admission, view: _AnyView | None) -> HttpResponse | None:
    remember(request, admission.token)
    # The view runs by `request.method`: a middleware may have made another one of it.
    if admission.kind == "preflight" and not (request.method == "OPTIONS" and _answers_preflights(view)):
        return keep(request, HttpResponse(status=204))
    return None


def _log_in(request: HttpRequest, token: AccessToken, user: Any) -> HttpResponse | None:
    if user is None:
        return keep(request, response_to(answer_to(AccessDenied())))
    remember(request, token)
    request.user = user
    return None


def remember(request: object, token: AccessToken | None) -> None:
    """Makes `request.access_token`, which no request declares. What is answered now is for this token alone."""
    not_stored(request)
    vars(request)["access_token"] = token


def response_to(answer: Answer) -> HttpResponse:
    """The answer to a refused request as a response of Django."""
    response = HttpResponse(answer.body, status=answer.status)
    for name, value in answer.headers:
        # Django holds one value per name; a list of challenges may stand in one line (RFC 9110 11.6.1).
        repeated = name in response.headers and name != "content-type"
        response.headers[name] = f"{response.headers[name]}, {value}" if repeated else value
    return response


def public(view: _View) -> _View:
    """Marks a view that `RequiresAuthMiddleware` lets everybody call.

    Raises:
        TypeError: it is not a view. Included URLs, such as those of the admin site, are named in
            `REQUIRES_AUTH_EXEMPT`.
    """
    if not callable(view):
        raise TypeError(
            f"public: expected a view, found {type(view).__name__}: included URLs become public in the settings, "
            f'by REQUIRES_AUTH_EXEMPT = ["/admin/*"]'
        )
    setattr(view, _PUBLIC, True)
    return view


def is_public(view: Callable[..., Any]) -> bool:
    """Whether a view is marked with `public`."""
    return getattr(view, _PUBLIC, False) is True


def _is_async(view: Callable[..., Any]) -> bool:
    # A class-based view's `dispatch` is a plain method that returns coroutines if the handlers do.
    owner = getattr(getattr(view, "func", view), "__self__", None)
    return iscoroutinefunction(view) or getattr(owner, "view_is_async", False) is True


def _answers_preflights(view: _AnyView | None) -> bool:
    """Whether a preflight, which shows no token, may run the view: only a class with an `options` of its own.

    A function would do for `OPTIONS` what it does for `GET`.
    """
    owner = getattr(getattr(view, "func", view), "__self__", None) or getattr(view, "view_class", None)
    options = getattr(owner if isinstance(owner, type) else type(owner), "options", None)
    return options is not None and getattr(options, "__module__", "").partition(".")[0] not in _DESCRIBERS


requires_auth = RequiresAuth()
"""The ready instance: configured by the settings or the environment at first use."""
