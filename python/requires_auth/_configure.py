"""An adapter without an issuer that an application factory configures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from requires_auth._keywords import refuse_options
from requires_auth._options import Adapter, GuardOptions, guard_from

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from requires_auth._issuer import Audience


class Configurable(Adapter):
    """An adapter whose framework has no settings: it is made with an issuer, configured, or reads the environment."""

    def __init__(
        self,
        issuer: str | None = None,
        audience: Audience | None = None,
        **options: Unpack[GuardOptions],
    ) -> None:
        """Makes a guard; see `requires_auth.RequiresAuth`."""
        super().__init__(issuer, audience, **options)
        self._own_options = dict(self._given)
        self._has_issuer = self._guard is not None

    def configure(
        self,
        issuer: str | None = None,
        audience: Audience | None = None,
        **options: Unpack[GuardOptions],
    ) -> None:
        """Configures a guard that was made without an issuer: for an application factory.

            from requires_auth.fastapi import requires_auth

            def create_app(settings: Settings) -> FastAPI:
                requires_auth.configure(settings.issuer, settings.audience)
                app = FastAPI()
                app.include_router(router)  # whose routes have Depends(requires_auth)
                return app

        A mistake shows here, and not at the first request. Arguments go before the constructor's, and these before the
        environment. It counts for all applications that share the guard; called again, the last call counts.

        Raises:
            ConfigError: all mistakes at once.
            TypeError: the guard was made with an issuer already; or there is no option of this name.
        """
        refuse_options(options, self.configure, GuardOptions.__annotations__)
        if self._has_issuer:
            raise TypeError("this guard was made with an issuer already: make another one")
        given = {"issuer": issuer, "audience": audience, **options}
        given = {**self._own_options, **{name: value for name, value in given.items() if value is not None}}
        guard = self._told(guard_from({}, given))
        with self._lock:
            self._given, self._guard = given, guard
