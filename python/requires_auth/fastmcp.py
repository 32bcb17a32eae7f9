"""Servers of the package `fastmcp`: a guard for `auth=`.

    from fastmcp import FastMCP
    from requires_auth.fastmcp import RequiresAuth

    mcp = FastMCP(
        "orders",
        auth=RequiresAuth(
            "https://tenant-id.logto.app/oidc",
            "https://api.example.com/mcp",
            scope="read:orders",
            tools={"create_order": "write:orders", "*": ""},
        ),
    )
    app = mcp.http_app()  # or mcp.run(transport="http")

It does what `requires_auth.mcp.protect` does. A call of a tool under its other name, `__<hash>_<name>`, is refused,
unless the table has that name itself. `require_scopes` of `fastmcp` hides tools from clients that may not call them;
with `tools` the clients are told which scope to ask for. With `mcp.run()` over stdio there are no tokens, and no guard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from requires_auth._mcp_arguments import described
from requires_auth.mcp import TokenVerifier, guarded

try:
    from fastmcp.server.auth import AuthProvider
    from starlette.middleware import Middleware
except ImportError as error:
    raise ImportError("requires_auth.fastmcp is for the package fastmcp: pip install fastmcp") from error

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from typing_extensions import Unpack

    from requires_auth import RequiresAuth as Guard
    from requires_auth._mcp_arguments import Needs
    from requires_auth._options import Adapter, McpOptions

__all__ = ["RequiresAuth"]


class RequiresAuth(AuthProvider):
    """Guards a server of `fastmcp`: give it as `auth=`."""

    def __init__(
        self,
        issuer: str | None = None,
        resource: str | None = None,
        *,
        scope: str | Sequence[str] | None = None,
        tools: Needs | None = None,
        prompts: Needs | None = None,
        resources: Needs | None = None,
        max_body: int | None = None,
        cors_origins: Iterable[str] = (),
        exempt: Iterable[str] = (),
        auth: Guard | Adapter | None = None,
        **options: Unpack[McpOptions],
    ) -> None:
        """Makes a guard; see `requires_auth.mcp.protect` for the arguments.

        Raises:
            ConfigError: the configuration is wrong; all mistakes at once.
            TypeError: both a guard and what describes one are given.
        """
        super().__init__()
        found = described(
            issuer,
            resource,
            scope=scope,
            tools=tools,
            prompts=prompts,
            resources=resources,
            max_body=max_body,
            cors_origins=cors_origins,
            exempt=exempt,
            auth=auth,
            options=options,
        )
        self._guard = found.guard
        # The package looks whether there is such a header, and no further.
        self._arguments: dict[str, Any] = {**found._asdict(), "instead": b"Bearer -"}

    def get_middleware(self) -> list[Middleware]:
        """The guard as a middleware of the server. It serves the metadata document, too."""
        return [Middleware(guarded, **self._arguments)]

    async def verify_token(self, token: str) -> Any:
        """The token as `fastmcp` knows it; None if it is refused."""
        return await TokenVerifier(self._guard).verify_token(token)
