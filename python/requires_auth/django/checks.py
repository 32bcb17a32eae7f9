"""System checks of the settings: what `manage.py check` says.

- `requires_auth.E001`: the settings describe no guard.
- `requires_auth.E002`: `REQUIRES_AUTH_USER` names no function.
- `requires_auth.E003`: a view is registered without the guard that it has, or keeps its answers above it.
- `requires_auth.W001`: a setting that begins with `REQUIRES_AUTH_` is not one of ours, or all
  settings are in a dict `REQUIRES_AUTH`, which is not read.
- `requires_auth.W002`: REST framework authenticates by access token, and has no permission that demands one.
- `requires_auth.W003`: users are looked up by the subject alone, and there may be several issuers.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning

from requires_auth import ConfigError
from requires_auth._options import DICT, PREFIX, SETTINGS, dict_hint, nearest_setting
from requires_auth.django import users
from requires_auth.django.decorator import requires_auth
from requires_auth.django.order import wrong_views

_KNOWN = sorted({PREFIX + name.upper() for name in SETTINGS} | {users.SETTING, "REQUIRES_AUTH_EXEMPT"})

_NOT_OURS = "requires_auth.W001"


def check_guard(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The ready instance can be made. Nothing is fetched."""
    try:
        _ = requires_auth.guard
    except (ConfigError, TypeError) as error:
        hint = f"set {PREFIX}ISSUER and {PREFIX}AUDIENCE in the settings or the environment"
        return [Error(str(error), hint=hint, id="requires_auth.E001")]
    return []


def check_user(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The function that maps tokens to users exists."""
    if not users.are_mapped():
        return []
    try:
        if callable(users.function()):
            return []
        problem = "it is no function"
    except ImportError as error:
        problem = str(error)
    hint = 'name a function that takes the token: "requires_auth.django.users.by_username"'
    return [Error(f"{users.SETTING}: {problem}", hint=hint, id="requires_auth.E002")]


def check_subjects(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """A subject names a user only together with its issuer or its tenant."""
    try:
        is_by_username = users.are_mapped() and users.function() is users.by_username
        if not is_by_username or not requires_auth.guard.may_have_several_issuers():
            return []
    except (ConfigError, ImportError, TypeError):
        return []  # another check tells it
    problem = (
        f"{users.SETTING} is by_username, which looks at the subject alone, and the guard takes tokens of several "
        "issuers or tenants: whoever has this subject at one of them is this user"
    )
    hint = "write a function that looks up token.issuer, or token.tenant, together with token.sub"
    return [CheckWarning(problem, hint=hint, id="requires_auth.W003")]


def check_views(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Every guard is asked before its view answers."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    return [Error(problem, id="requires_auth.E003") for problem in wrong_views()]


def check_rest_framework(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Authentication alone lets a request without a token pass: REST framework leaves that to permissions."""
    configured: Any = getattr(settings, "REST_FRAMEWORK", None) or {}
    if "DEFAULT_PERMISSION_CLASSES" in configured:
        return []
    named = [str(name) for name in configured.get("DEFAULT_AUTHENTICATION_CLASSES", ())]
    if not any(name.startswith("requires_auth.") for name in named):
        return []
    problem = "DEFAULT_PERMISSION_CLASSES is not set, so a view without permission_classes is open without a token"
    hint = (
        'write "DEFAULT_PERMISSION_CLASSES": ["requires_auth.django.rest_framework.HasAccessToken"] in REST_FRAMEWORK'
    )
    return [CheckWarning(problem, hint=hint, id="requires_auth.W002")]


def check_names(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """No setting is misspelt, or in a dict."""
    found: list[CheckMessage] = []
    whole = getattr(settings, DICT, None)
    if whole is not None:
        found.append(CheckWarning(f"{DICT} is not read", hint=dict_hint(whole), id=_NOT_OURS))
    unknown = [name for name in dir(settings) if name.startswith(PREFIX) and name not in _KNOWN]
    found.extend(
        CheckWarning(f"{name} is not a setting of requires-auth", hint=_hint(name), id=_NOT_OURS) for name in unknown
    )
    return found


def _hint(name: str) -> str:
    meant = nearest_setting(name, _KNOWN)
    return f"did you mean {meant}?" if meant else "the settings are " + ", ".join(_KNOWN)


ALL = (check_guard, check_names, check_rest_framework, check_subjects, check_user, check_views)
"""What `manage.py check` runs."""
