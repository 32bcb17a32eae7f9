"""An adapter whose settings are those of the application, as in Flask and Quart: each application has its own guard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from requires_auth._options import Adapter, guard_from, warn_of_unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requires_auth import RequiresAuth as Guard

_EXTENSION = "requires_auth"
"""Where an application keeps the guards that it has configured, by adapter."""


class AppConfigured(Adapter):
    """An adapter that each application configures at first use: from `app.config`, then from the environment.

    An application is anything with `config` and `extensions`.
    """

    settings_in = "app.config"

    def _configure_app(self, app: Any, given: Mapping[str, Any]) -> Guard:
        """Makes the guard of an application now.

        Raises:
            ConfigError: all mistakes at once.
            TypeError: there are arguments, but the guard was made with an issuer already.
        """
        given = {name: value for name, value in given.items() if value is not None}
        if self._guard is None:
            self._guards(app)[self] = self._told(self._guard_from(app, {**self._given, **given}))
        elif given:
            raise TypeError("this guard was made with an issuer already: make another one")
        return self._guard or self._of(app)

    def _guard_for(self, app: Any) -> Guard:
        """The guard that judges requests to an application."""
        return self._replacement or self._guard or self._of(app)

    def _of(self, app: Any) -> Guard:
        """The guard of an application, made at first use."""
        try:
            return cast("Guard", app.extensions[_EXTENSION][self])
        except KeyError:
            with self._lock:
                guards = self._guards(app)
                return guards.get(self) or guards.setdefault(self, self._told(self._guard_from(app, self._given)))

    def _for_metadata(self, app: Any) -> Guard | None:
        """The guard that may have a metadata document.

        Public paths do not need a guard, so it is made here only if there is a document.
        """
        guard = self._replacement or self._guard or self._guards(app).get(self)
        if guard is None and self.has_resource(settings_of(app)):
            guard = self._of(app)
        return guard

    def _guard_from(self, app: Any, given: Mapping[str, Any]) -> Guard:
        warn_of_unknown(settings_of(app), self.settings_in)
        return guard_from(settings_of(app), given, self.settings_in)

    @staticmethod
    def _guards(app: Any) -> dict[Adapter, Guard]:
        return cast("dict[Adapter, Guard]", app.extensions.setdefault(_EXTENSION, {}))


def settings_of(app: Any) -> Mapping[str, Any]:
    """The settings of an application."""
    return cast("Mapping[str, Any]", app.config)
