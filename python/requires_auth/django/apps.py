"""The application to install for the system checks: `"requires_auth.django"` in `INSTALLED_APPS`."""

from importlib import import_module

from django.apps import AppConfig, apps
from django.core import checks


class RequiresAuthConfig(AppConfig):
    """Registers the system checks."""

    name = "requires_auth.django"
    label = "requires_auth"
    verbose_name = "requires-auth"

    def ready(self) -> None:
        """Registers the checks of `requires_auth.django.checks`, and what drf-spectacular is to know."""
        from requires_auth.django.checks import ALL

        for check in ALL:
            checks.register(check, checks.Tags.security)
        if apps.is_installed("drf_spectacular"):
            import_module("requires_auth.django.spectacular")
