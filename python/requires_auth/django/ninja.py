"""Django Ninja: an access token as the authentication of an API, of a router, or of an operation.

    from requires_auth.django.ninja import AccessTokenAuth

    api = NinjaAPI(auth=AccessTokenAuth())

    @api.get("/orders", auth=AccessTokenAuth("read:orders"))
    def orders(request):
        return {"sub": request.auth.sub}

`request.auth` and `request.access_token` are the token, and the OpenAPI document has the scheme. Refusals have the
status, headers and body that they have everywhere, whatever handlers of exceptions the API has. `@requires_auth` below
`@api.get` guards an operation, too, and takes `optional=True`, but OpenAPI does not show it.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Literal

from requires_auth._missing import needs

with needs("ninja", "ninja"):
    from ninja import NinjaAPI
    from ninja.errors import AuthenticationError
    from ninja.security.base import AuthBase

from requires_auth import Policy, Refusal
from requires_auth._mistakes import refuse_keywords
from requires_auth.django.decorator import RequiresAuth, admit, environ_of, path_parameters, requires_auth, response_to
from requires_auth.django.refusals import keep

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest, HttpResponse

    from requires_auth import AccessToken, Admission

__all__ = ["AccessTokenAuth"]

_ASKED = "_requires_auth_asked"
"""Names what of ours was asked about a request that shows no access token."""

_TAUGHT = "_requires_auth_taught"


class AccessTokenAuth(AuthBase):
    """Authenticates a request that carries an access token with the scopes that the operation needs.

    In `auth=[AccessTokenAuth(), other]` a request without an access token is left to the others, and one with a bad
    token is refused. Ninja asks it in a thread in asynchronous operations.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_bearerFormat = "JWT"  # noqa: N815 - the name of OpenAPI

    def __init__(
        self,
        *scopes: str,
        any_of: Iterable[str] | None = None,
        policy: Policy | None = None,
        dpop: Literal["required"] | None = None,
        auth: RequiresAuth = requires_auth,
        **unknown: Any,
    ) -> None:
        """Reads what the operation needs.

        Args:
            scopes: all of them.
            any_of: scopes of which it needs one.
            policy: all else that it needs.
            dpop: `"required"` takes only tokens that come with a proof of the key that they are bound to (DPoP). The
                guard has to take proofs (`dpop="allowed"`). It may stand beside all of the above.
            auth: the guard: the ready instance, unless there is another.
            unknown: nothing else is taken; the error says what to write.

        Raises:
            TypeError: an argument has the wrong type.
            ConfigError: a scope is not a scope token.
        """
        refuse_keywords(unknown)
        super().__init__()
        self._auth = auth
        self._rule = auth.rule(scopes, any_of, policy, dpop=dpop)

    def __call__(self, request: HttpRequest) -> AccessToken | None:
        """The token of a request; None without one, and Ninja asks the next authentication.

        Raises:
            AuthenticationError: the request is refused.
        """
        outcome = self._judge(request, optional=True)
        if isinstance(outcome, Refusal):
            raise _Refused(response_to(outcome))
        answer = admit(request, outcome)
        if answer is not None:
            raise _Refused(answer)
        if outcome.token is None:
            vars(request)[_ASKED] = self
        return outcome.token

    def refusal(self, request: HttpRequest) -> HttpResponse | None:
        """What to answer a request without a token that no other authentication knows."""
        outcome = self._judge(request, optional=False)
        return response_to(outcome) if isinstance(outcome, Refusal) else None

    def _judge(self, request: HttpRequest, optional: bool) -> Admission | Refusal:
        environ, parameters = environ_of(request), path_parameters(request)
        return self._auth.guard_of_request.admit_wsgi(environ, self._rule.policy, optional, True, parameters)


class _Refused(AuthenticationError):
    """A request that is refused, with the answer."""

    def __init__(self, answer: HttpResponse) -> None:
        super().__init__(answer.status_code, "the access token is refused")
        self.answer = answer


def _teach_ninja() -> None:
    """Lets every API answer our refusals as they are.

    Ninja tells an authentication neither the API nor the operation, and has no place for an answer of its own: the
    handlers of the API would write the refusal anew, without its challenge.
    """
    answers: Any = NinjaAPI.on_exception
    if hasattr(answers, _TAUGHT):
        return

    @wraps(answers)
    def on_exception(self: NinjaAPI, request: HttpRequest, exc: Any) -> Any:
        refusal = _refusal_of(request, exc)
        return answers(self, request, exc) if refusal is None else keep(request, refusal)

    setattr(on_exception, _TAUGHT, True)
    NinjaAPI.on_exception = on_exception  # type: ignore[method-assign]


def _refusal_of(request: HttpRequest, error: object) -> HttpResponse | None:
    """The refusal behind an error of Ninja; None if the error is another one."""
    if isinstance(error, _Refused):
        return error.answer
    asked: AccessTokenAuth | None = vars(request).get(_ASKED)
    # With this error Ninja refuses a request that no authentication of the operation knows.
    if asked is not None and type(error) is AuthenticationError and not hasattr(request, "auth"):
        return asked.refusal(request)
    return None


_teach_ninja()
