"""A token as the packages `mcp` and `fastmcp` know it, for servers that ask these who calls."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Generator

    from requires_auth import AccessToken
    from requires_auth.starlette import Scope


class _Package(NamedTuple):
    """What is taken from the package `mcp`."""

    current_user: Any
    """The context variable behind `get_access_token()`."""
    current_message: Any
    """The context variable of version 1 that holds the request of a message; None in version 2."""
    user_of: Any
    """Makes an `AuthenticatedUser` of a token."""
    credentials_of: Any
    """Makes what `@requires` of Starlette looks at."""


@cache
def _package() -> _Package | None:
    """The package `mcp`, if it is installed: any other ASGI application does without."""
    try:
        from mcp.server.auth.middleware.auth_context import auth_context_var
        from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
        from mcp.server.auth.provider import AccessToken as Known
        from mcp.server.lowlevel import server
        from starlette.authentication import AuthCredentials
    except ImportError:
        return None

    class User(AuthenticatedUser):
        """The caller, with the token as this package has verified it.

        What servers seldom ask for is made when they do: it takes longer than all else that is done for a request.
        """

        def __init__(self, token: AccessToken) -> None:
            # Not that of the package, which wants all of it at once.
            self.verified = token

        @cached_property
        def username(self) -> str:  # type: ignore[override]
            return _client_of(self.verified)

        @cached_property
        def scopes(self) -> list[str]:  # type: ignore[override]
            return sorted(self.verified.scopes)

        @cached_property
        def access_token(self) -> Known:  # type: ignore[override]
            token = self.verified
            return Known(
                # A server that does not know the text of a token cannot pass it on.
                token="",
                client_id=self.username,
                scopes=self.scopes,
                expires_at=int(token.expires_at.timestamp()),
                resource=next(iter(token.aud), None),
                subject=token.sub,
                claims=dict(token.claims),
            )

    class Credentials(AuthCredentials):
        """The scopes of the caller."""

        def __init__(self, user: User) -> None:
            self._user = user

        @property
        def scopes(self) -> list[str]:  # type: ignore[override]
            return self._user.scopes

    return _Package(auth_context_var, getattr(server, "request_ctx", None), User, Credentials)


def _client_of(token: AccessToken) -> str:
    return token.client_id or token.sub or ""


def known(token: AccessToken) -> Any:
    """A token as `mcp.server.auth.provider.AccessToken`.

    Raises:
        ImportError: the package `mcp` is not installed.
    """
    package = _package()
    if package is None:
        raise ImportError("the package mcp is not installed: pip install mcp")
    return package.user_of(token).access_token


@contextmanager
def calling(scope: Scope, token: AccessToken | None) -> Generator[None, None, None]:
    """Tells the packages who calls, for as long as a request is answered."""
    package = _package()
    if package is None or token is None:
        yield
        return
    scope["user"] = user = package.user_of(token)
    scope["auth"] = package.credentials_of(user)
    before = package.current_user.set(user)
    try:
        yield
    finally:
        package.current_user.reset(before)


def caller() -> AccessToken | None:
    """The token of the message that is being answered, as far as the packages know; None if they do not."""
    package = _package()
    if package is None:
        return None
    message = package.current_message.get(None) if package.current_message is not None else None
    request = getattr(message, "request", None)
    user = package.current_user.get() if request is None else request.scope.get("user")
    verified: AccessToken | None = getattr(user, "verified", None)
    return verified
