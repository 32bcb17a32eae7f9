"""Django REST framework: authentication by access token, and permission by scope. No user table is needed.

    REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": ["requires_auth.django.rest_framework.AccessTokenAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["requires_auth.django.rest_framework.HasAccessToken"],
    }

    class Orders(APIView):
        permission_classes = [HasScope("read:orders")]

        def get(self, request):
            return Response({"sub": request.auth.sub})

`request.auth` and `request.access_token` are the token. `request.user` is a `TokenUser`, or the user that
`REQUIRES_AUTH_USER` maps the token to. Refusals have the status, headers and body of all other adapters,
rendered as the view renders.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.request import ForcedAuthentication

from requires_auth import AccessDenied, AccessToken, InsufficientScope, Policy, Refusal
from requires_auth._answers import Answer, answer_to
from requires_auth._rule import ANY_TOKEN, Rule
from requires_auth.django import users
from requires_auth.django.decorator import RequiresAuth, environ_of, path_parameters, remember, requires_auth
from requires_auth.django.refusals import not_stored, remember_headers, with_headers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rest_framework.request import Request

    from requires_auth import Admission

__all__ = ["AccessTokenAuthentication", "HasAccessToken", "HasScope", "TokenUser"]

_DENIED = "permission_denied"
"""The method of a view by which REST framework refuses."""


class TokenUser:
    """Who a token speaks for, without a row in a table."""

    is_authenticated: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False
    is_active: ClassVar[bool] = True
    is_staff: ClassVar[bool] = False
    is_superuser: ClassVar[bool] = False

    def __init__(self, token: AccessToken) -> None:
        self.token = token
        """The token."""

    @property
    def pk(self) -> str | None:
        """The token's subject."""
        return self.token.sub

    id = pk

    @property
    def is_client(self) -> bool:
        """Whether a client got the token for itself, and no person is behind it."""
        return self.token.sub is None or self.token.is_client is True

    def get_username(self) -> str:
        """The token's subject, empty if it has none."""
        return self.token.sub or ""

    @property
    def username(self) -> str:
        """As `get_username`."""
        return self.get_username()

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Whether the token has a scope of this name."""
        return self.token.has_scope(perm)

    def has_perms(self, perm_list: Iterable[str], obj: object = None) -> bool:
        """Whether the token has scopes of all these names."""
        return all(self.has_perm(perm) for perm in perm_list)

    def __str__(self) -> str:
        return self.get_username()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TokenUser) and (self.token.iss, self.pk) == (other.token.iss, other.pk)

    def __hash__(self) -> int:
        return hash((self.token.iss, self.pk))


class AccessTokenAuthentication(BaseAuthentication):
    """Authenticates a request that carries an access token.

    A request without one is left to permissions, and one with another scheme to the other authentication
    classes of the view, if it has any. `DPoP` is a scheme of access tokens too: it is refused, whatever stands beside.
    """

    auth: ClassVar[RequiresAuth] = requires_auth
    """The guard: the ready instance. A subclass can have another."""

    def authenticate(self, request: Request) -> tuple[Any, AccessToken] | None:
        """The user and the token of a request; None without a token.

        Raises:
            APIException: the token is refused.
        """
        outcome = _judge(self.auth, request, Rule(optional=True))
        if isinstance(outcome, Refusal):
            raise _refused(request, outcome)
        token = outcome.token
        _remember(request, token)
        if token is None:
            return None
        _add_headers(request, outcome.headers)
        if not users.are_mapped():
            return TokenUser(token), token
        user = users.user_of(token)
        if user is None:
            raise _refused(request, answer_to(AccessDenied()))
        return user, token

    def authenticate_header(self, request: Request) -> str:
        """The challenge of an answer to a request without credentials."""
        return "Bearer"


class HasAccessToken(BasePermission):
    """Lets only requests with a valid access token through."""

    auth: ClassVar[RequiresAuth] = requires_auth
    rule: ClassVar[Rule] = ANY_TOKEN
    scopes: ClassVar[Sequence[str]] = ()
    any_of: ClassVar[Sequence[str]] = ()

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the request may pass. If not, the view's `permission_denied` answers as every guard does.

        So that `HasScope("a") | HasScope("b")` is an "or", this does not raise. A request of a test that
        `force_authenticate` has authenticated is judged by the scopes of the `AccessToken` that it was given, and
        passes if it was given a user alone; a policy is not judged then.

        Raises:
            APIException: the answer to a preflight; or the refusal, where there is no view to give it.
        """
        if _is_forced(request):
            return self._judge_forced(request, view)
        outcome = _judge(self.auth, request, self.rule)
        if isinstance(outcome, Refusal):
            return _deny(request, view, outcome)
        _allow(view)
        # The view runs by `request.method`: a middleware may have made another one of it.
        if outcome.kind == "preflight" and not (request.method == "OPTIONS" and _has_own_options(view)):
            raise _Preflight  # REST framework would describe the view to somebody who has shown no token
        _remember(request, outcome.token)
        _add_headers(request, outcome.headers)
        return True

    def _judge_forced(self, request: Request, view: Any) -> bool:
        token = request.auth if isinstance(request.auth, AccessToken) else None
        _remember(request, token)
        if token is None or (
            all(token.has_scope(scope) for scope in self.scopes)
            and (not self.any_of or any(token.has_scope(scope) for scope in self.any_of))
        ):
            _allow(view)
            return True
        return _deny(request, view, answer_to(InsufficientScope()))


class _Preflight(APIException):
    """Answers a preflight that no CORS middleware has taken."""

    status_code = 204
    default_detail = ""


def HasScope(  # noqa: N802 - it stands where a class stands
    *scopes: str,
    any_of: Iterable[str] | None = None,
    policy: Policy | None = None,
    dpop: Literal["required"] | None = None,
    auth: RequiresAuth = requires_auth,
) -> type[HasAccessToken]:
    """A permission class that needs all of these scopes, or one of `any_of`, or a policy.

    With `dpop="required"` the token has to come with a proof of the key that it is bound to (DPoP), too.

    `HasScope("a") | HasScope("b")` is as `HasScope(any_of=["a", "b"])`, whose refusal lists both scopes.
    """
    alternatives = [any_of] if isinstance(any_of, str) else list(any_of or ())
    rule = auth.rule(scopes, None if any_of is None else alternatives, policy, dpop=dpop)
    needs = {"auth": auth, "rule": rule, "scopes": " ".join(scopes).split(), "any_of": alternatives}
    return type("HasScope", (HasAccessToken,), needs)


def _has_own_options(view: Any) -> bool:
    from rest_framework.views import APIView  # at the top it would go round: it imports the settings' classes

    return view.__class__.options is not APIView.options


def _is_forced(request: Request) -> bool:
    """Whether a test has authenticated the request by `force_authenticate`. No client can."""
    return isinstance(request.successful_authenticator, ForcedAuthentication)


def _deny(request: Request, view: Any, answer: Answer) -> bool:
    """False, and if that is the last word, the view answers with this refusal. A view lives for one request.

    Raises:
        APIException: the refusal, if there is no view to give it.
    """
    if view is None:
        raise _refused(request, answer)

    def permission_denied(request: Request, message: str | None = None, code: str | None = None) -> NoReturn:
        raise _refused(request, answer)

    vars(view)[_DENIED] = permission_denied
    return False


def _allow(view: Any) -> None:
    """Forgets the refusal of an alternative: what is denied from now on has another cause."""
    if view is not None and _DENIED in vars(view):
        delattr(view, _DENIED)


def _judge(auth: RequiresAuth, request: Request, rule: Rule) -> Admission | Refusal:
    environ, parameters = environ_of(request), path_parameters(request)
    return auth.guard_of_request.admit_wsgi(environ, rule.policy, rule.optional, True, parameters)


def _remember(request: Request, token: AccessToken | None) -> None:
    for each in (request, request._request):
        remember(each, token)


def _add_headers(request: Request, headers: list[tuple[str, str]]) -> None:
    """Adds headers to the answer of the view, where that has none of the name. A view lives for one request."""
    remember_headers(request, headers)
    view = request.parser_context.get("view")
    if not headers or view is None:
        return
    finalize = view.finalize_response

    def finalize_response(*args: Any, **kwargs: Any) -> Any:
        return with_headers(request, finalize(*args, **kwargs))

    vars(view)["finalize_response"] = finalize_response


def _refused(request: Request, answer: Answer) -> APIException:
    """The exception for an answer. What REST framework has no place for in one goes to the view's headers."""
    refused = APIException()
    refused.status_code = answer.status
    detail: Any
    try:
        detail = json.loads(answer.body)
    except ValueError:
        detail = {"detail": answer.body.decode(errors="replace")}
    refused.detail = detail  # its constructor would make strings of the numbers
    not_stored(request._request)
    view = request.parser_context.get("view")
    headers = {name: value for name, value in answer.headers if name != "content-type"}
    if view is not None:
        view.headers.update(headers)
    return refused
