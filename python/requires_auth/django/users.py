"""From tokens to users, for a project that has any.

    REQUIRES_AUTH_USER = "requires_auth.django.users.by_username"  # or a function of your own, or its dotted
    name

The function takes the token and returns the user, or None to refuse the request with 403 `access_denied`.
Without this setting nothing is looked up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from collections.abc import Callable

    from requires_auth import AccessToken

SETTING = "REQUIRES_AUTH_USER"
"""Names the function."""


def by_username(token: AccessToken) -> Any:
    """The active user whose name (`USERNAME_FIELD`) is the token's subject.

    None if there is no such user, and for a token that a client got for itself, or may have got where the issuer is
    known to give clients subjects like those of users: a client must not pose as the user of that name (RFC 9068 5).

    It looks at the subject alone. Two issuers, or two tenants, may each have a subject of the same name: with more than
    one, write a function of your own that looks up `token.issuer` (or `token.tenant`) together with `token.sub`;
    `manage.py check` warns (`requires_auth.W003`).
    """
    if not token.may_be_user:
        return None
    model: Any = get_user_model()
    user = model._default_manager.filter(**{model.USERNAME_FIELD: token.sub}).first()
    return user if user is not None and user.is_active else None


def are_mapped() -> bool:
    """Whether the settings map tokens to users."""
    return getattr(settings, SETTING, None) is not None


def user_of(token: AccessToken) -> Any:
    """The user that the settings map a token to, or None.

    Raises:
        ImportError: the setting names no function.
    """
    return function()(token)


def function() -> Callable[[AccessToken], Any]:
    """The function of the settings.

    Raises:
        ImportError: there is none of that name.
    """
    named = getattr(settings, SETTING)
    return cast("Callable[[AccessToken], Any]", import_string(named) if isinstance(named, str) else named)
