"""A warning where an application is mounted, and so never sees the request for the document that it points to."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from weakref import WeakSet

if TYPE_CHECKING:
    from requires_auth import RequiresAuth as Guard
    from requires_auth.starlette import Scope

_LOG = logging.getLogger("requires_auth")

_reached: WeakSet[Guard] = WeakSet()
"""Guards of which something that is not mounted serves the document."""


class Mounted:
    """What one middleware knows of where it stands, once it has seen a request."""

    def __init__(self) -> None:
        """Knows nothing yet."""
        self.is_known = False

    def look(self, guard: Guard, scope: Scope) -> None:
        """Looks at the first request, and warns if the document cannot be found.

        Starlette, and FastAPI with it, say in the scope what an application is mounted at. What a proxy has cut off
        counts for nothing.
        """
        self.is_known = True
        root: str = scope.get("root_path", "")
        if root == scope.get("app_root_path", root):
            _reached.add(guard)
        elif guard not in _reached and not urlsplit(guard._metadata_url or "").path.startswith(f"{root.rstrip('/')}/"):
            _LOG.warning(
                "nothing serves the metadata document of %s: this application is mounted at %s, and %s is not below; "
                "guard the outermost application, or put ResourceMetadataMiddleware(outermost, auth=guard) around it",
                guard.resource,
                root,
                guard._metadata_url,
            )
